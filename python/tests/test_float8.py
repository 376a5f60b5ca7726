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
    for change, message in (({}, "must have scales"), ({name: weights[name][1:]}, "weight_block_size")):
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


EXPERTS, HEIGHT, WIDTH = 3, 40, 72  # blocks of 16 x 32 and of 1 x 32 are cut off
STACK = "model.layers.0.mlp.experts.gate_up_proj"
STACK_BLOCKS = {  # the block of a scale, and the shape of the tensor of scales where it is not that of the grids
    "blocks": (BLOCK, None),
    "matrices": ((HEIGHT, WIDTH), None),
    "matrices in one dimension": ((HEIGHT, WIDTH), (EXPERTS,)),
    "halves": ((HEIGHT // 2, WIDTH), None),
    "rows": ((1, WIDTH), None),
    "mx": ((1, 32), None),
}


def power_of_two(scale: torch.Tensor) -> torch.Tensor:
    return scale.log2().ceil().exp2()


def stacked(kind: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The matrices of some experts as 8-bit floats, their scales, and the numbers that both stand for."""
    torch.manual_seed(1)
    (height, width), shape = STACK_BLOCKS[kind]
    weight = torch.randn(EXPERTS, HEIGHT, WIDTH) * torch.logspace(-2, 1, EXPERTS)[:, None, None]
    rows, cols = torch.arange(HEIGHT) // height, torch.arange(WIDTH) // width
    scale = power_of_two(torch.rand(EXPERTS, int(rows[-1]) + 1, int(cols[-1]) + 1) + 0.01)
    if dtype == torch.float32:
        scale *= 1.25  # no power of two
    spread_scale = scale[:, rows][:, :, cols]
    codes = (weight / spread_scale).to(torch.float8_e4m3fn)
    bytes_of = scale.to(torch.float8_e8m0fnu).view(torch.uint8) if dtype == torch.uint8 else scale.to(dtype)
    return codes, bytes_of if shape is None else bytes_of.reshape(shape), codes.float() * spread_scale


def experts_model(folder: Path, weights: Tensors) -> Path:
    folder.mkdir()
    config = {"model_type": "qwen3_moe", "num_experts": EXPERTS, "hidden_size": WIDTH, "vocab_size": 300}
    quantization = {"quant_method": "fp8", "weight_block_size": BLOCK}
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": quantization}))
    save_file({"model.norm.weight": torch.ones(WIDTH), **weights}, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.float8_e8m0fnu, torch.uint8], ids=["f32", "e8m0", "u8"])
@pytest.mark.parametrize("kind", STACK_BLOCKS)
def test_experts_are_read_with_their_scales(kind: str, dtype: torch.dtype, tmp_path: Path) -> None:
    codes, scale, meant = stacked(kind, dtype)
    model = experts_model(tmp_path / "model", {STACK: codes, STACK + "_scale_inv": scale})
    np.testing.assert_array_equal(read(model, STACK), meant.reshape(-1, WIDTH).numpy())


def test_experts_have_the_numbers_of_transformers(tmp_path: Path) -> None:
    from transformers.integrations.finegrained_fp8 import Fp8Dequantize

    for number, kind in enumerate(("matrices", "halves", "rows")):
        codes, scale, _ = stacked(kind, torch.float8_e8m0fnu)
        model = experts_model(tmp_path / str(number), {STACK: codes, STACK + "_scale_inv": scale})
        dequantize = Fp8Dequantize(None)  # type: ignore[no-untyped-call]
        dense = dequantize._dequantize_one(codes, scale, torch.float32)
        np.testing.assert_array_equal(read(model, STACK), dense.reshape(-1, WIDTH).numpy())


@pytest.mark.parametrize("method", ["auto", "codes", "int4"])
def test_experts_are_encoded_verified_and_expanded(method: str, tmp_path: Path) -> None:
    codes, scale, meant = stacked("blocks", torch.float8_e8m0fnu)
    weights = {STACK: codes, STACK + "_scale_inv": scale, STACK + "_activation_scale": torch.ones(EXPERTS)}
    model = experts_model(tmp_path / "model", weights)
    report = compress(model, method=method, bits=None, keep=0.8)
    out, dense = tmp_path / "out", tmp_path / "dense"
    assert [tensor.name for tensor in report.tensors] == [STACK]
    assert loewner.verify(out, model).holds
    assert not [name for name in load_file(out / "model.safetensors") if name.endswith("_scale")]
    loewner.expand(out, dense)
    expanded = load_file(dense / "model.safetensors")
    assert set(expanded) == {STACK, "model.norm.weight"}
    assert (expanded[STACK].dtype, expanded[STACK].shape) == (torch.bfloat16, meant.shape)
    error = float((expanded[STACK].float() - meant).norm() / meant.norm())
    assert error == pytest.approx(report.tensors[0].relative_error, rel=0.05) and error < 0.2
    weights[STACK + "_scale_inv"] = scale.view(torch.uint8).roll(1, 0).view(scale.dtype)  # control: of other experts
    save_file({"model.norm.weight": torch.ones(WIDTH), **weights}, model / "model.safetensors")
    assert not loewner.verify(out, model).holds


def test_scales_in_the_module_of_a_matrix_are_found(tmp_path: Path) -> None:
    """DeepSeek-V4 stores M.weight with powers of two in M.scale."""
    codes, scale, meant = stacked("blocks", torch.float8_e8m0fnu)
    weights = {"layers.0.attn.wq.weight": codes[0], "layers.0.attn.wq.scale": scale[0]}
    model = experts_model(tmp_path / "model", weights)
    np.testing.assert_array_equal(read(model, "layers.0.attn.wq.weight"), meant[0].numpy())
    compress(model, selection="linear", bits=5)
    assert loewner.verify(tmp_path / "out", model).holds
    assert "layers.0.attn.wq.scale" not in load_file(tmp_path / "out" / "model.safetensors")


def test_layouts_without_a_meaning_are_named(tmp_path: Path) -> None:
    codes, scale, _ = stacked("blocks", torch.float8_e8m0fnu)
    name = STACK + "_scale_inv"
    not_a_number = scale.view(torch.uint8).clone()
    not_a_number[1, 1, 1] = 255
    packed = codes.view(torch.int8)[..., ::2].contiguous()  # as two numbers of 4 bits in a byte
    for number, (weights, message) in enumerate(
        (
            ({STACK: codes}, r"gate_up_proj.* must have scales"),
            ({STACK: codes, name: scale[:, 1:].contiguous()}, r"gate_up_proj_scale_inv \[3,2,3\] must be one scale"),
            ({STACK: codes, name: scale[0].contiguous()}, r"gate_up_proj_scale_inv \[3,3\] must be one scale"),
            ({STACK: codes, name: not_a_number.view(scale.dtype)}, r"gate_up_proj.*finite"),
            ({STACK: packed, name: scale}, r"gate_up_proj with scales.*stored in I8.*dequantize=True"),
        )
    ):
        model = experts_model(tmp_path / str(number), weights)
        with pytest.raises(loewner.IoError, match=message):
            compress(model, keep=0.8, bits=None)
    assert not list(tmp_path.glob("out*"))
