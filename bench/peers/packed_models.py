# SPDX-License-Identifier: Apache-2.0
"""The rows of brevitas in the table of whole models.

brevitas saves rounded weights as floats. Here its codes are packed without gaps, scales are stored as f16 and zero
points as bytes; other tensors stay f32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from models import Forward, Runtime, torch_batches, torch_forward, torch_model
from peer import Setting, packed, unpacked

GROUP = 64
# Layers with the same inputs are rounded together.
PARALLEL = [["attention.self.query", "attention.self.key", "attention.self.value"]]


def parallel_layers(model: Any) -> list[list[str]]:
    blocks = range(len(model.encoder.layer))
    return [[f"encoder.layer.{block}.{name}" for name in names] for block in blocks for names in PARALLEL]


def with_quantizers(bits: int, model: Any) -> Any:
    """Asymmetric groups for layers and tables, with the clipping of least squared error."""
    import torch
    from brevitas.graph.quantize import layerwise_quantize
    from brevitas_examples.common.generative.quantize import generate_quant_maps, generate_quantizers

    quantizers = generate_quantizers(
        weight_bit_width=bits,
        weight_param_method="mse",
        weight_scale_precision="float_scale",
        weight_quant_type="asym",
        weight_quant_granularity="per_group",
        weight_group_size=GROUP,
        quantize_weight_zero_point=True,
    )
    layers = generate_quant_maps(*quantizers, dtype=torch.float32, device="cpu", quantize_embedding=True)
    return layerwise_quantize(model, compute_layer_map=layers).eval()


def rounded(mode: Callable[[Any, list[list[str]]], AbstractContextManager[Any]], bits: int) -> Any:
    """The model whose layers were rounded one after another, each for the inputs that the text gives it."""
    import torch

    model, batches = with_quantizers(bits, torch_model()), torch_batches(64)
    with torch.no_grad():
        model(**batches[0])
        with mode(model, parallel_layers(model)) as steps:
            for _ in range(steps.num_layers):
                for batch in batches:
                    steps.model(**batch)
                steps.update()
    return model


def gptq(model: Any, parallel: list[list[str]]) -> AbstractContextManager[Any]:
    from brevitas.graph.gptq import gptq_mode

    return gptq_mode(model, act_order=True, use_quant_activations=False, group_of_parallel_layers=parallel)


def qronos(model: Any, parallel: list[list[str]]) -> AbstractContextManager[Any]:
    from brevitas.graph.gpfq import gpfq_mode
    from brevitas.graph.qronos import Qronos

    return gpfq_mode(
        model,
        act_order=True,
        create_weight_orig=True,
        group_of_parallel_layers=parallel,
        algorithm_impl=partial(Qronos, alpha=1e-6),
    )


def quantized_weights(model: Any) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if hasattr(module, "weight_quant") and hasattr(module, "quant_weight"):
            yield f"{name}.weight", module.quant_weight()


def saved(mode: Callable[[Any, list[list[str]]], AbstractContextManager[Any]], bits: int, folder: Path) -> None:
    model = rounded(mode, bits)
    arrays: dict[str, np.ndarray] = {}
    for name, weight in quantized_weights(model):
        scale, zero = weight.scale_.detach().float(), weight.zero_point_.detach().float()
        codes = (weight.value_.detach().float() / scale + zero).round().clamp(0, 2**bits - 1)
        arrays[f"{name}.codes"] = packed(codes.numpy().ravel(), bits)
        arrays[f"{name}.scale"] = scale.numpy().ravel().astype(np.float16)
        arrays[f"{name}.zero"] = zero.numpy().ravel().round().astype(np.uint8)
    names = {key.removesuffix(".codes") for key in arrays}
    for name, tensor in torch_model().state_dict().items():
        if name not in names:
            arrays[name] = tensor.numpy()
    safetensors.numpy.save_file(arrays, folder / "model.safetensors")


def decoded(bits: int, folder: Path) -> Forward:
    import torch

    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    model = torch_model()
    state = {}
    for name, tensor in model.state_dict().items():
        if name in arrays:
            state[name] = torch.from_numpy(arrays[name])
            continue
        codes = unpacked(arrays[f"{name}.codes"], bits, tensor.numel()).reshape(-1, GROUP).astype(np.float32)
        scale, zero = (arrays[f"{name}.{part}"].astype(np.float32)[:, None] for part in ("scale", "zero"))
        state[name] = torch.from_numpy((codes - zero) * scale).view(tensor.shape)
    model.load_state_dict(state)
    return torch_forward(model)


def setting(name: str, mode: Callable[[Any, list[list[str]]], AbstractContextManager[Any]], bits: int) -> Setting:
    runtime = Runtime(partial(saved, mode, bits), partial(decoded, bits))
    packages = ("brevitas", "torch")
    return Setting(f"brevitas {name}, {bits} bits, text", packages, f"{name.lower()}_mode(m)", lambda: runtime, False)


SETTINGS = [setting(name, mode, bits) for name, mode in (("GPTQ", gptq), ("Qronos", qronos)) for bits in (4, 3, 2)]
