# SPDX-License-Identifier: Apache-2.0
"""A model whose local functions are nodes of its graph."""

from __future__ import annotations

import onnx
from onnx import inliner

from loewner.onnx.graph import DOMAIN


def without_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model without functions. Takes the initializers out of `model`, which may have more bytes than a message
    between onnx and its inliner."""
    initializers = list(model.graph.initializer)
    del model.graph.initializer[:]
    inlined = inliner.inline_local_functions(model)
    inlined.graph.initializer.extend(initializers)
    imports = [entry for entry in inlined.opset_import if entry.domain != DOMAIN]
    del inlined.opset_import[:]
    inlined.opset_import.extend(imports)
    return inlined
