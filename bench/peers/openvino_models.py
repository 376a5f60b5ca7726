# SPDX-License-Identifier: Apache-2.0
"""The rows of OpenVINO and nncf in the table of whole models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from models import Forward, Runtime, example, text_batches, torch_model
from peer import THREADS, Setting


def compiled(folder: Path) -> Forward:
    import openvino

    model = openvino.Core().compile_model(
        folder / "model.xml", "CPU", {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    )

    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.array(model({"input_ids": ids, "attention_mask": mask})[0])

    return forward


def converted() -> Any:
    import openvino

    ids, mask = example()
    inputs = {"input_ids": ids, "attention_mask": mask}
    return openvino.convert_model(
        torch_model(), example_input=inputs, input=[("input_ids", [-1, -1]), ("attention_mask", [-1, -1])]
    )


def saved(quantize: Callable[[Any, Any, int], Any], folder: Path) -> None:
    import nncf
    import openvino

    batches = text_batches()
    model = quantize(converted(), nncf.Dataset(batches), len(batches))
    openvino.save_model(model, folder / "model.xml")


def saved_dense(folder: Path) -> None:
    import openvino

    openvino.save_model(converted(), folder / "model.xml", compress_to_fp16=False)


def int8(model: Any, text: Any, batches: int) -> Any:
    import nncf

    return nncf.quantize(model, text, model_type=nncf.ModelType.TRANSFORMER, subset_size=batches)


def int4(options: dict[str, Any], model: Any, text: Any, batches: int) -> Any:
    import nncf

    return nncf.compress_weights(
        model,
        mode=nncf.CompressWeightsMode.INT4_ASYM,
        ratio=1,
        group_size=64,
        dataset=text,
        subset_size=batches,
        awq=True,
        scale_estimation=True,
        **options,
    )


def setting(name: str, usage: str, quantize: Callable[[Any, Any, int], Any], timed: bool = True) -> Setting:
    runtime = Runtime(partial(saved, quantize), compiled)
    return Setting(name, ("openvino", "nncf", "torch"), usage, lambda: runtime, timed)


INT4 = "compress_weights(m, INT4_ASYM, dataset=TEXT, awq, scale_estimation, gptq)"
SETTINGS = [
    Setting("OpenVINO f32", ("openvino", "torch"), "convert_model(m)", lambda: Runtime(saved_dense, compiled)),
    setting("OpenVINO int8, text", "nncf.quantize(m, TEXT)", int8),
    setting(
        "nncf INT4_ASYM, AWQ, scales, text", INT4.replace(", gptq", ""), partial(int4, {"all_layers": True}), False
    ),
    setting("nncf INT4_ASYM, AWQ, scales, GPTQ, text", INT4, partial(int4, {"gptq": True, "all_layers": True})),
    setting("nncf INT4_ASYM, AWQ, scales, GPTQ, tables in 8 bits, text", INT4, partial(int4, {"gptq": True}), False),
]
