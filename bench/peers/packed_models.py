# SPDX-License-Identifier: Apache-2.0
"""The rows of brevitas in the table of whole models.

brevitas saves rounded weights as floats. Here its codes are packed without gaps, scales are stored as f16 and zero
points as bytes; other tensors stay f32.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
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


Mode = Callable[[Any, list[list[str]]], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Quantized:
    """A matrix by rows: a code for each entry, a scale and a zero point for each group."""

    codes: np.ndarray
    scale: np.ndarray
    zero: np.ndarray

    def decoded(self) -> np.ndarray:
        codes, scale, zero = (part.astype(np.float32) for part in (self.codes, self.scale, self.zero))
        return (codes.reshape(-1, GROUP) - zero[:, None]) * scale[:, None]


def parallel_layers(model: Any) -> list[list[str]]:
    blocks = range(len(model.encoder.layer))
    return [[f"encoder.layer.{block}.{name}" for name in names] for block in blocks for names in PARALLEL]


def with_quantizers(bits: int, kind: type, model: Any) -> Any:
    """Asymmetric groups for all modules of one kind, with the clipping of least squared error."""
    import torch
    from brevitas.graph.quantize import layerwise_quantize
    from brevitas_examples.common.generative.quantize import generate_quant_maps, generate_quantizers

    quantizers = generate_quantizers(
        weight_bit_width=bits,
        weight_param_method="mse",
        weight_scale_precision="float_scale",
        input_scale_precision="float_scale",  # must be given; without a bit width inputs stay f32
        weight_quant_type="asym",
        weight_quant_granularity="per_group",
        weight_group_size=GROUP,
        quantize_weight_zero_point=True,
    )
    modules = generate_quant_maps(**quantizers, dtype=torch.float32, device="cpu", quantize_embedding=True)
    return layerwise_quantize(model, compute_layer_map={kind: modules[kind]}).eval()


def quantized_weights(bits: int, model: Any) -> dict[str, Quantized]:
    """By the name of the tensor."""
    found = {}
    for name, module in model.named_modules():
        if hasattr(module, "weight_quant"):
            weight = module.quant_weight()
            scale, zero = weight.scale_.detach().float(), weight.zero_point_.detach().float()
            codes = (weight.value_.detach().float() / scale + zero).round().clamp(0, 2**bits - 1)
            found[f"{name}.weight"] = Quantized(*(part.numpy().ravel() for part in (codes, scale, zero)))
    return found


def rounded(mode: Mode, bits: int) -> dict[str, Quantized]:
    """First the tables; then layers, one after another, for the inputs that the text and these tables give them."""
    import torch

    with torch.no_grad():
        found = quantized_weights(bits, with_quantizers(bits, torch.nn.Embedding, torch_model()))
        model, batches = torch_model(), torch_batches(64)
        model.load_state_dict(decoded_tensors(found, model), strict=False)
        model = with_quantizers(bits, torch.nn.Linear, model)
        model(**batches[0])
        with mode(model, parallel_layers(model)) as steps:
            for _ in range(steps.num_layers):
                for batch in batches:
                    steps.model(**batch)
                steps.update()
        return found | quantized_weights(bits, model)


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


def decoded_tensors(found: dict[str, Quantized], model: Any) -> dict[str, Any]:
    import torch

    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    return {name: torch.from_numpy(weight.decoded()).view(shapes[name]) for name, weight in found.items()}


def saved(mode: Mode, bits: int, folder: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    found = rounded(mode, bits)
    for name, tensor in torch_model().state_dict().items():
        if name not in found:
            arrays[name] = tensor.numpy()
            continue
        arrays[f"{name}.codes"] = packed(found[name].codes, bits)
        arrays[f"{name}.scale"] = found[name].scale.astype(np.float16)
        arrays[f"{name}.zero"] = found[name].zero.round().astype(np.uint8)
    safetensors.numpy.save_file(arrays, folder / "model.safetensors")


def decoded(bits: int, folder: Path) -> Forward:
    import torch

    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    model = torch_model()
    state, found = {}, {}
    for name, tensor in model.state_dict().items():
        if name in arrays:
            state[name] = torch.from_numpy(arrays[name])
            continue
        codes = unpacked(arrays[f"{name}.codes"], bits, tensor.numel())
        found[name] = Quantized(codes, arrays[f"{name}.scale"], arrays[f"{name}.zero"])
    model.load_state_dict(state | decoded_tensors(found, model))
    return torch_forward(model)


def setting(name: str, mode: Mode, bits: int) -> Setting:
    runtime = Runtime(partial(saved, mode, bits), partial(decoded, bits))
    packages = ("brevitas", "torch")
    return Setting(f"brevitas {name}, {bits} bits, text", packages, f"{name.lower()}_mode(m)", lambda: runtime, False)


SETTINGS = [setting(name, mode, bits) for name, mode in (("GPTQ", gptq), ("Qronos", qronos)) for bits in (4, 3, 2)]
