# SPDX-License-Identifier: Apache-2.0
"""Every model type of transformers in a small form: its default configuration with small sizes, and random weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch
import transformers
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

VOCABULARY = 1000
HEADS = 4
WIDTH = 64
LAYERS = 2
IDS = torch.arange(3, 19).view(2, 8)

# Sizes by the name of the field; the first pattern that matches the whole name decides.
_SIZES: list[tuple[str, int]] = [
    (r".*vocab_size(_.*)?|.*_vocab_size|num_embeddings|n_tokens", VOCABULARY),
    (r"num_attention_groups|.*num_key_value_heads|num_kv_heads|n_head_kv|.*kv_heads", 2),
    (r".*num_attention_heads|.*attention_heads|n_heads?|num_heads|.*_num_heads|.*_heads", HEADS),
    (r"head_dim|.*head_dim|d_kv|attention_head_size|kv_channels|.*_head_size", WIDTH // HEADS),
    (r"n_routed_experts|num_(local_)?experts|moe_num_experts|n_experts|num_experts_per_layer", 4),
    (r"num_experts_per_tok|moe_topk|moe_k|num_selected_experts|top_k_experts", 2),
    (r"n_group|topk_group|n_shared_experts|first_k_dense_replace|num_nextn_predict_layers", 1),
    (r"num_mtp_layers|num_hash_.*", 1),
    (r".*(intermediate|ffn|feedforward|mlp)_(size|dim)|d_ff|n_inner|ffn_hidden_size|.*_ffn_dim|hidden_dim", 96),
    (r"(q|kv|o)_lora_rank|.*lora_rank|.*_rank", 16),
    (r"hidden_sizes?|d_model|n_embd|dim|.*embed_dim|.*hidden_size|.*_hidden_dim|embedding_size|projection_dim", WIDTH),
    (r"width|.*embedding_dim|.*emb_dim|hidden_channels|out_hidden_size|entity_emb_size|d_embed", WIDTH),
    (
        r"(num_)?(hidden_)?layers|n_layers?|depth|.*num_hidden_layers|.*_layers|num_layers_.*|num_.*layers|layer_num",
        LAYERS,
    ),
    (r"max_position_embeddings|n_positions|n_ctx|max_seq_len|max_sequence_length|seq_length|.*max_len(gth)?", 64),
]


def model_types() -> list[str]:
    """All model types that the installed transformers has a model for."""
    return sorted(name for name in CONFIG_MAPPING if name in modeling_auto.MODEL_MAPPING_NAMES or _heads(name))


def small_model(model_type: str) -> Any:
    """A small model of that type: with a head over the vocabulary if there is a class for it.

    Raises the last exception if no form of the configuration can be built.
    """
    failure: Exception = ValueError(f"{model_type} has no model class")
    for sizes in (_SIZES, _SIZES[:-2], [*_SIZES[:1], *_SIZES[-2:]]):
        for model_class in _classes(model_type):
            try:
                torch.manual_seed(0)
                model = model_class(_small_config(CONFIG_MAPPING[model_type], sizes))
                if sum(parameter.numel() for parameter in model.parameters()) > 60_000_000:
                    raise ValueError("more than 60 million parameters")
                return model.eval()
            except Exception as error:  # any model class may fail in its own way; the next form is tried
                failure = error
    raise failure


def outputs(model: Any) -> torch.Tensor | None:
    """The outputs for some token ids; None if the model takes other inputs."""
    with torch.no_grad():
        try:
            result = model(input_ids=IDS)
        except Exception:  # models of images and sound
            return None
    for name in ("logits", "last_hidden_state"):
        value = result.get(name) if hasattr(result, "get") else None
        if isinstance(value, torch.Tensor):
            return value
    return None


def _heads(model_type: str) -> list[str]:
    tables = (
        modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        modeling_auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES,
        modeling_auto.MODEL_MAPPING_NAMES,
    )
    names = [table[model_type] for table in tables if model_type in table]
    return [name for entry in names for name in ([entry] if isinstance(entry, str) else entry)]


def _classes(model_type: str) -> Iterator[Any]:
    for name in dict.fromkeys(_heads(model_type)):
        model_class = getattr(transformers, name, None)
        if model_class is not None:
            yield model_class


def _small_config(config_class: Any, sizes: list[tuple[str, int]]) -> Any:
    return config_class(**_small_fields(config_class, sizes))


def _small_fields(config_class: Any, sizes: list[tuple[str, int]]) -> dict[str, Any]:
    default = config_class()
    parts = getattr(config_class, "sub_configs", {}) or {}
    fields: dict[str, Any] = {}
    for name, value in default.to_dict().items():
        part = getattr(default, name, None)
        if name in parts and part is not None and hasattr(part, "to_dict"):
            fields[name] = {**_small_fields(type(part), sizes), "model_type": part.model_type}
        elif isinstance(value, bool) or value is None:
            continue
        elif isinstance(value, int) and (size := _size(name, sizes)) is not None:
            fields[name] = min(value, size) if value > 0 else value
        elif name.endswith("token_id") and isinstance(value, int):
            fields[name] = value % VOCABULARY
        elif isinstance(value, list) and name in ("layer_types", "mlp_layer_types", "layers_block_type"):
            fields[name] = value[:LAYERS]
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        if isinstance(getattr(default, name, None), int):
            fields[name] = getattr(default, name) % VOCABULARY
    return fields


def _size(name: str, sizes: list[tuple[str, int]]) -> int | None:
    return next((size for pattern, size in sizes if re.fullmatch(pattern, name)), None)
