# SPDX-License-Identifier: Apache-2.0
"""The rows of onnxruntime, and of nncf for ONNX, in the table of whole models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from models import Forward, Runtime, export_onnx, text_batches
from peer import THREADS, Setting


def onnx_session(folder: Path, file: str = "model.onnx") -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / file, options)
    names = [given.name for given in session.get_inputs()]

    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return np.asarray(session.run(None, {name: given[name] for name in names})[0])

    return forward


def from_dense(quantize: Callable[[Path, Path], object], folder: Path) -> None:
    """Quantizes the exported model, which is removed."""
    dense = folder / "dense.onnx"
    export_onnx(dense)
    quantize(dense, folder / "model.onnx")
    dense.unlink()


def dynamic_int8(dense: Path, small: Path) -> None:
    """Unsigned weights per channel, the most accurate of its options for this model."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(dense, small, weight_type=QuantType.QUInt8, per_channel=True)


class TextReader:
    """The calibration text as onnxruntime reads it."""

    def __init__(self) -> None:
        self.batches = iter(text_batches())

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def static_int8(dense: Path, small: Path) -> None:
    """Weights per channel; products and tables are quantized, activations between the extremes of the text."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    CalibrationDataReader.register(TextReader)
    prepared = dense.with_name("prepared.onnx")
    quant_pre_process(dense, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        small,
        TextReader(),
        op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()


def int4(accuracy_level: int, dense: Path, small: Path) -> None:
    """accuracy_level 4: int8 activations; 1: f32 activations."""
    import onnx
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    config = DefaultWeightOnlyQuantConfig(
        block_size=32,
        is_symmetric=False,
        accuracy_level=accuracy_level,
        quant_format=QuantFormat.QOperator,
        op_types_to_quantize=("MatMul", "Gather"),
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(dense), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(str(small))


def nncf_int8(dense: Path, small: Path) -> None:
    import nncf
    import onnx

    onnx.save(nncf.compress_weights(onnx.load(dense), mode=nncf.CompressWeightsMode.INT8_ASYM), small)


def setting(
    name: str, packages: tuple[str, ...], usage: str, quantize: Callable[[Path, Path], Any], timed: bool = True
) -> Setting:
    runtime = Runtime(partial(from_dense, quantize), onnx_session)
    return Setting(name, ("onnxruntime", *packages), usage, lambda: runtime, timed)


SETTINGS = [
    Setting(
        "onnxruntime f32",
        ("onnxruntime", "torch"),
        "torch.onnx.export",
        lambda: Runtime(lambda folder: export_onnx(folder / "model.onnx"), onnx_session),
    ),
    setting("onnxruntime dynamic int8", ("onnx",), "quantize_dynamic(a, b, QUInt8, per_channel=True)", dynamic_int8),
    setting("onnxruntime static int8, text", ("onnx",), "quantize_static(a, b, TEXT, per_channel=True)", static_int8),
    *(
        setting(name, ("onnx", "onnx-ir"), "MatMulNBitsQuantizer(m).process()", partial(int4, level))
        for name, level in (("onnxruntime 4 bits", 4), ("onnxruntime 4 bits, f32 activations", 1))
    ),
    setting("nncf INT8_ASYM", ("nncf",), "compress_weights(m)", nncf_int8),
]
