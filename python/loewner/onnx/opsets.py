# SPDX-License-Identifier: Apache-2.0
"""Raises a model to a newer opset."""

from __future__ import annotations

import onnx
from onnx import ModelProto, helper
from onnx.version_converter import ConvertError, convert_version

from loewner._core import IoError
from loewner.onnx.reading import OnnxModel

FEW_BYTES = 1024  # of constants that the converter may have to read, such as axes


def raised(source: OnnxModel, opset: int) -> ModelProto:
    """A copy of the model at an opset that is not older than its own.

    The converter gets the large initializers as inputs, so that their values are neither read nor copied.
    """
    model = ModelProto()
    model.CopyFrom(source.proto)
    if source.opset >= opset:
        return model
    large = [tensor for tensor in model.graph.initializer if source.tensors[tensor.name].byte_count > FEW_BYTES]
    small = [tensor for tensor in model.graph.initializer if source.tensors[tensor.name].byte_count <= FEW_BYTES]
    inputs = list(model.graph.input)
    del model.graph.initializer[:]
    model.graph.initializer.extend(small)
    known = {value.name for value in inputs}
    model.graph.input.extend(
        helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        for tensor in large
        if tensor.name not in known
    )
    try:
        converted: ModelProto = convert_version(model, opset)
    except (ConvertError, RuntimeError, onnx.checker.ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IoError(f"{source.path}: cannot be raised from opset {source.opset} to {opset}: {reason}") from error
    names = {value.name for value in inputs}
    kept = [value for value in converted.graph.input if value.name in names]
    del converted.graph.input[:]
    converted.graph.input.extend(kept)
    converted.graph.initializer.extend(large)
    return converted
