# SPDX-License-Identifier: Apache-2.0
"""Checkpoints with 8-bit floats and scales (DeepSeek, Qwen, Mistral), and other quantized ones, which are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
import torch
import transformers
from loewner import _core
from safetensors.torch import load_file, save_file

BLOCK = (16, 32)
LAYER = "model.layers.0.mlp.down_proj.weight"
Tensors = dict[str, torch.Tensor]
KINDS = ("blocks", "rows", "whole")


def scaled(weight: torch.Tensor, kind: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix as 8-bit floats, and its scales."""
    rows, cols = weight.shape
    height, width = {"blocks": BLOCK, "rows": (1, cols), "whole": (rows, cols)}[kind]
    tall, wide = -(-rows // height), -(-cols // width)
    padded = torch.zeros(tall * height, wide * width)
    padded[:rows, :cols] = weight
    scale = padded.reshape(tall, height, wide, width).abs().amax((1, 3)).clamp(min=1e-9) / torch.finfo(dtype).max
    spread = scale.repeat_interleave(height, 0).repeat_interleave(width, 1)[:rows, :cols]
    return (weight / spread).to(dtype), scale


def spread(scale: torch.Tensor, shape: torch.Size, kind: str) -> torch.Tensor:
    height, width = {"blocks": BLOCK, "rows": (1, shape[1]), "whole": tuple(shape)}[kind]
    return scale.repeat_interleave(height, 0).repeat_interleave(width, 1)[: shape[0], : shape[1]]


def llama(
    folder: Path,
    kind: str = "blocks",
    dtype: torch.dtype = torch.float8_e4m3fn,
    ending: str = "_scale_inv",
    width: int = 64,
) -> Tensors:
    """Writes a small model with linear layers in 8-bit floats; returns the matrices that they stand for."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=300,
        hidden_size=width,
        intermediate_size=3 * width // 2,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=width // 4,
        dtype="bfloat16",
    )
    transformers.LlamaForCausalLM(config).bfloat16().save_pretrained(folder)
    weights: Tensors = {}
    meant: Tensors = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        weights[name] = weight
        if name.endswith("_proj.weight"):
            weights[name], scale = scaled(weight.float(), kind, dtype)
            meant[name] = weights[name].float() * spread(scale, weight.shape, kind)
            weights[name + ending] = scale[:, 0] if kind == "rows" and ending == "_scale" else scale
            if kind == "whole":
                weights[name + ending] = scale.reshape(())
                weights[name.removesuffix("weight") + "activation_scale"] = torch.ones(())
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    quantization = {"quant_method": "fp8", "weight_block_size": BLOCK if kind == "blocks" else None}
    set_quantization(folder, quantization)
    return meant


def set_quantization(folder: Path, quantization: dict[str, Any] | None) -> None:
    config = json.loads((folder / "config.json").read_text())
    config.pop("quantization_config", None)
    if quantization is not None:
        config["quantization_config"] = quantization
    (folder / "config.json").write_text(json.dumps(config))


def read(folder: Path, name: str) -> np.ndarray[Any, Any]:
    rows = _core.TensorRows(folder, name)
    return np.asarray(rows.read(0, rows.shape[0]))


def compress(model: Path, **options: Any) -> loewner.CompressReport:
    given: dict[str, Any] = {"selection": "all", "bits": 4, "text": "none", **options}
    return loewner.compress(model, model.with_name("out"), **given)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_all_numbers_of_a_format_are_those_of_torch(dtype: torch.dtype, tmp_path: Path) -> None:
    numbers = torch.arange(256, dtype=torch.uint8).reshape(16, 16).view(dtype)
    llama(tmp_path / "model")
    save_file({LAYER: numbers}, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    set_quantization(tmp_path / "model", None)
    np.testing.assert_array_equal(read(tmp_path / "model", LAYER), numbers.float().numpy())


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
@pytest.mark.parametrize("ending", ["_scale_inv", "_scale"])
@pytest.mark.parametrize("kind", KINDS)
def test_matrices_are_read_with_their_scales(kind: str, ending: str, dtype: torch.dtype, tmp_path: Path) -> None:
    for name, matrix in llama(tmp_path / "model", kind, dtype, ending, width=72).items():  # some blocks are cut off
        np.testing.assert_array_equal(read(tmp_path / "model", name), matrix.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_encoded_and_expand_writes_bf16(kind: str, tmp_path: Path) -> None:
    model, out, dense = (tmp_path / name for name in ("model", "out", "dense"))
    meant = llama(model, kind)
    report = compress(model)
    assert loewner.verify(out, model).holds
    assert {tensor.name for tensor in report.tensors} >= set(meant)
    stored = load_file(out / "model.safetensors")
    assert not [name for name in stored if name.endswith(("_scale_inv", "_scale"))]
    assert torch.float8_e4m3fn not in {array.dtype for array in stored.values()}
    loewner.expand(out, dense)
    expanded = load_file(dense / "model.safetensors")
    assert "quantization_config" not in json.loads((dense / "config.json").read_text())
    assert {array.dtype for array in expanded.values()} == {torch.bfloat16}
    errors = {tensor.name: tensor.relative_error for tensor in report.tensors}
    for name, matrix in meant.items():
        error = (expanded[name].float() - matrix).norm() / matrix.norm()
        assert error == pytest.approx(errors[name], rel=0.02)
        assert error < 0.3
    tokens = torch.arange(40).reshape(2, 20)
    with torch.no_grad():
        models = [transformers.AutoModelForCausalLM.from_pretrained(folder) for folder in (out, dense)]
        encoded, decoded = (model(tokens).logits.float() for model in models)
    torch.testing.assert_close(encoded, decoded, rtol=0.05, atol=0.05)


def test_the_dense_model_of_transformers_is_close(tmp_path: Path) -> None:
    """transformers decodes the blocks by itself where there is no GPU."""
    meant = llama(tmp_path / "model")
    weights = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model").state_dict()
    for name, matrix in meant.items():
        torch.testing.assert_close(weights[name].float(), matrix, rtol=1e-2, atol=1e-6)


def test_a_calibration_runs_the_decoded_model(tmp_path: Path) -> None:
    from tokenized_models import save_tokenizer, text

    model = tmp_path / "model"
    llama(model)
    save_tokenizer(model)
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(text(40)))
    report = compress(model, text=lines)
    assert report.calibration is not None
    assert loewner.verify(tmp_path / "out", model).holds


def test_layers_that_would_stay_in_8_bits_are_named(tmp_path: Path) -> None:
    model = tmp_path / "model"
    llama(model)
    for options in ({"selection": "embeddings"}, {"exclude": "down_proj"}):
        with pytest.raises(ValueError, match=r"stored in 8-bit floats and not selected.*--all"):
            compress(model, **options)
    with pytest.raises(loewner.BudgetError, match=r"_proj\.weight"):
        compress(model, bits=None, max_error=1e-4)
    assert not list(tmp_path.glob("out*"))


def test_scales_that_are_missing_or_of_another_shape_are_named(tmp_path: Path) -> None:
    model = tmp_path / "model"
    llama(model)
    weights = load_file(model / "model.safetensors")
    name = LAYER + "_scale_inv"
    for change, message in (({}, "must be a matrix with scales"), ({name: weights[name][1:]}, "weight_block_size")):
        kept = {key: array.contiguous() for key, array in weights.items() if key != name} | change
        save_file(kept, model / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(loewner.IoError, match=rf"down_proj\.weight.*{message}"):
            compress(model)


@pytest.mark.parametrize("method", ["mxfp4", "bitsandbytes", "gptq", "awq", "compressed-tensors", "fbgemm_fp8"])
def test_other_quantized_models_are_refused_with_the_way_out(method: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    llama(model)
    set_quantization(model, {"quant_method": method})
    way = r"Mxfp4Config\(dequantize=True\)" if method == "mxfp4" else "compress the original instead"
    with pytest.raises(loewner.IoError, match=rf"quant_method '{method}'.*{way}"):
        compress(model)
