# SPDX-License-Identifier: Apache-2.0
"""Tokenizer files in the form that other programs read: fastembed, and transformers 4 beside optimum.

transformers 5 writes no special_tokens_map.json, no length where it knows none, and names that transformers 4 does not
know. It reads the older form too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TypeGuard

from loewner._files import read_object

SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
NEW_CLASS, OLD_CLASS = "TokenizersBackend", "PreTrainedTokenizerFast"
NUMBERED_FROM_PADDING = ("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer")  # types


def complete_tokenizer(folder: Path) -> None:
    """Rewrite tokenizer_config.json and write special_tokens_map.json, if a folder has the first one."""
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return
    config = read_object(path)
    changed = _older_names(config) | _with_length(config, folder)
    if changed != config:
        _write(path, changed, path)
    special = folder / "special_tokens_map.json"
    if not special.exists():
        _write(special, {name: _text_of(changed[name]) for name in SPECIAL if changed.get(name) is not None}, path)


def _older_names(config: dict[str, Any]) -> dict[str, Any]:
    named = dict(config)
    if named.get("tokenizer_class") == NEW_CLASS:
        named["tokenizer_class"] = OLD_CLASS
    if isinstance(named.get("extra_special_tokens"), list):
        named["additional_special_tokens"] = named.pop("extra_special_tokens")
    return named


def _with_length(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The field model_max_length, where the tokenizer has none and the model has one."""
    if _is_length(config.get("model_max_length")):
        return {}
    sentences, model = _object(folder / "sentence_bert_config.json"), _object(folder / "config.json")
    places = model.get("max_position_embeddings")
    if _is_length(places) and model.get("model_type") in NUMBERED_FROM_PADDING:
        places -= (model.get("pad_token_id") or 0) + 1
    length = next(filter(_is_length, (sentences.get("max_seq_length"), places)), None)
    return {} if length is None else {"model_max_length": length}


def _text_of(token: Any) -> Any:
    """A special token, which the file may describe by an object."""
    return token.get("content") if isinstance(token, dict) else token


def _is_length(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= sys.maxsize


def _write(path: Path, values: dict[str, Any], like: Path) -> None:
    """A new file with the permissions of another one, which may be the old one, and read-only."""
    mode = like.stat().st_mode & 0o777
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    path.chmod(mode)


def _object(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}
