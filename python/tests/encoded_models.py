# SPDX-License-Identifier: Apache-2.0
"""Small random models of many families, and what `loewner compress` makes of them, written with numpy."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

FORMATS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
SOURCE_TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
VOCABULARY, RANK = 120, 12

_BERT: dict[str, Any] = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=40,
)
_LLAMA: dict[str, Any] = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=48,
    tie_word_embeddings=True,
)
_T5: dict[str, Any] = dict(
    vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, tie_word_embeddings=True
)

# class of the model, its configuration, the token embedding
FAMILIES: dict[str, tuple[str, Callable[[], transformers.PreTrainedConfig], str]] = {
    "bert": ("BertModel", lambda: transformers.BertConfig(**_BERT), "embeddings.word_embeddings"),
    "bert_masked": ("BertForMaskedLM", lambda: transformers.BertConfig(**_BERT), "bert.embeddings.word_embeddings"),
    "distilbert_masked": (
        "DistilBertForMaskedLM",
        lambda: transformers.DistilBertConfig(vocab_size=VOCABULARY, dim=32, n_layers=2, n_heads=4, hidden_dim=48),
        "distilbert.embeddings.word_embeddings",
    ),
    "roberta_masked": (
        "RobertaForMaskedLM",
        lambda: transformers.RobertaConfig(**_BERT),
        "roberta.embeddings.word_embeddings",
    ),
    "mpnet_masked": ("MPNetForMaskedLM", lambda: transformers.MPNetConfig(**_BERT), "mpnet.embeddings.word_embeddings"),
    "xlnet_head": (
        "XLNetLMHeadModel",
        lambda: transformers.XLNetConfig(vocab_size=VOCABULARY, d_model=32, n_layer=2, n_head=4, d_inner=48),
        "transformer.word_embedding",
    ),
    "electra_masked": (
        "ElectraForMaskedLM",
        lambda: transformers.ElectraConfig(**_BERT, embedding_size=24),
        "electra.embeddings.word_embeddings",
    ),
    "albert_masked": (
        "AlbertForMaskedLM",
        lambda: transformers.AlbertConfig(**_BERT, embedding_size=24),
        "albert.embeddings.word_embeddings",
    ),
    "gpt2_head": (
        "GPT2LMHeadModel",
        lambda: transformers.GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=40),
        "transformer.wte",
    ),
    "llama_head": ("LlamaForCausalLM", lambda: transformers.LlamaConfig(**_LLAMA), "model.embed_tokens"),
    "t5": ("T5ForConditionalGeneration", lambda: transformers.T5Config(**_T5), "shared"),
    "bart": (
        "BartForConditionalGeneration",
        lambda: transformers.BartConfig(
            vocab_size=VOCABULARY,
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            max_position_embeddings=40,
            scale_embedding=True,
        ),
        "model.shared",
    ),
    "gemma3_head": (
        "Gemma3ForCausalLM",
        lambda: transformers.Gemma3TextConfig(**_LLAMA, head_dim=8),
        "model.embed_tokens",
    ),
}


@functools.cache
def _cache() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="loewner-tests-")


@functools.cache
def dense_folder(family: str) -> Path:
    """A model with random weights, saved once. Tests must not write to it."""
    class_name, configuration, _ = FAMILIES[family]
    torch.manual_seed(7)
    config = configuration()
    for token in ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"):
        if (getattr(config, token, None) or 0) >= VOCABULARY:
            setattr(config, token, 1)
    folder = Path(_cache().name) / family
    getattr(transformers, class_name)(config).save_pretrained(folder)
    return folder


def low_rank(name: str, weight: torch.Tensor, format: str, rank: int = RANK) -> tuple[dict[str, Any], dict[str, Any]]:
    """Specification and arrays of tensor `name` in two factors."""
    u, s, vt = np.linalg.svd(weight.double().numpy(), full_matrices=False)
    prefix = name.removesuffix(".weight")
    left, right = (
        torch.from_numpy(np.ascontiguousarray(x)).to(FORMATS[format]) for x in (u[:, :rank] * s[:rank], vt[:rank])
    )
    spec = {**_spec("low_rank", weight, format), "rank": rank, "claims": {"relative_error": 0.25, "later": [1, 2]}}
    return spec, {f"{prefix}.left": left, f"{prefix}.right": right}


def subspaces(
    name: str, weight: torch.Tensor, format: str, dimensions: tuple[int, ...] = (RANK, 0, 5)
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Specification and arrays of tensor `name` in clusters of interleaved rows. Dimension 0 has no arrays."""
    prefix = name.removesuffix(".weight")
    labels = np.arange(weight.shape[0]) * 5 % 7 % len(dimensions)
    arrays = {f"{prefix}.cluster": torch.from_numpy(labels.astype(np.uint8)[:, None].copy())}
    for cluster, dimension in enumerate(dimensions):
        if dimension == 0:
            continue
        u, s, vt = np.linalg.svd(weight.double().numpy()[labels == cluster], full_matrices=False)
        for side, x in (("left", u[:, :dimension] * s[:dimension]), ("right", vt[:dimension])):
            arrays[f"{prefix}.{side}_{cluster}"] = torch.from_numpy(np.ascontiguousarray(x)).to(FORMATS[format])
    sizes = [int((labels == cluster).sum()) for cluster in range(len(dimensions))]
    return {**_spec("subspaces", weight, format), "dimensions": list(dimensions), "sizes": sizes}, arrays


def dense(name: str, weight: torch.Tensor, format: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Specification and array of tensor `name` in another number format."""
    return _spec("dense", weight, format), {name: weight.to(FORMATS[format])}


def encode_folder(
    source: Path,
    target: Path,
    tensors: list[str],
    structure: Callable[..., tuple[dict[str, Any], dict[str, Any]]] = low_rank,
    format: str = "f32",
    **options: Any,
) -> Path:
    """Write `source` with `tensors` encoded into `target`."""
    shutil.copytree(source, target)
    weights = load_file(source / "model.safetensors")
    specs = {}
    for name in tensors:
        specs[name], arrays = structure(name, weights.pop(name), format, **options)
        weights.update(arrays)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "loewner",
        "format_version": "1.0",
        "producer": "loewner 0.1.0",
        "source": "0123456789abcdef",
        "tensors": specs,
    }
    (target / "config.json").write_text(json.dumps(config))
    return target


def decode_folder(encoded: Path, target: Path) -> Path:
    """The decoded checkpoint of an encoded folder, with which the tests compare."""
    shutil.copytree(encoded, target)
    config = json.loads((encoded / "config.json").read_text())
    specs = config.pop("quantization_config")["tensors"]
    weights = load_file(encoded / "model.safetensors")
    for name, spec in specs.items():
        prefix = name.removesuffix(".weight")
        if spec["structure"] == "low_rank":
            weights[name] = weights.pop(f"{prefix}.left").float() @ weights.pop(f"{prefix}.right").float()
        elif spec["structure"] == "subspaces":
            labels = weights.pop(f"{prefix}.cluster")[:, 0]
            weights[name] = torch.zeros(spec["rows"], spec["cols"])
            for cluster, dimension in enumerate(spec["dimensions"]):
                if dimension > 0:
                    left, right = (weights.pop(f"{prefix}.{side}_{cluster}").float() for side in ("left", "right"))
                    weights[name][labels == cluster] = left @ right
        else:
            weights[name] = weights[name].float()
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    (target / "config.json").write_text(json.dumps(config))
    return target


def outputs(model: Any) -> torch.Tensor:
    """The outputs of a model for fixed token ids."""
    ids = torch.arange(2, 34).reshape(2, 16) * 3
    arguments: dict[str, Any] = {"input_ids": ids}
    if getattr(model.config, "is_encoder_decoder", False):
        arguments["decoder_input_ids"] = ids + 1
    with torch.no_grad():
        answer: torch.Tensor = next(iter(model(**arguments).values()))
        return answer.float()


def _spec(structure: str, weight: torch.Tensor, format: str) -> dict[str, Any]:
    return {
        "structure": structure,
        "rows": weight.shape[0],
        "cols": weight.shape[1],
        "format": format,
        "source_dtype": SOURCE_TYPES[weight.dtype],
        "role": "token_embedding",
    }
