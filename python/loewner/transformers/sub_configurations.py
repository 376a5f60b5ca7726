# SPDX-License-Identifier: Apache-2.0
"""Parts of a model that are loaded by their own class, such as CLIPTextModel from a CLIP folder.

Their configuration is a part of config.json, but only the whole has a `quantization_config`. Without it transformers
would draw every encoded matrix at random.
"""

from __future__ import annotations

import copy
import functools
import json
import os
from pathlib import Path
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.hub import cached_file

_FIELD = "quantization_config"


def pass_on_quantization() -> None:
    """Let the configuration of a part have the `quantization_config` of the whole."""
    config: Any = PreTrainedConfig
    config.get_config_dict = classmethod(_reading(config.get_config_dict.__func__))
    model: Any = PreTrainedModel
    model.from_pretrained = classmethod(_loading(model.from_pretrained.__func__))


def _reading(original: Any) -> Any:
    @functools.wraps(original)
    def get_config_dict(cls: Any, *arguments: Any, **options: Any) -> Any:
        config, unused = original(cls, *arguments, **options)
        quantization = _quantization(config)
        if quantization is not None:
            for part in _parts(config, cls):
                if part.get(_FIELD) is None:
                    part[_FIELD] = quantization
        return config, unused

    return get_config_dict


def _loading(original: Any) -> Any:
    @functools.wraps(original)
    def from_pretrained(
        cls: Any, pretrained_model_name_or_path: Any, *arguments: Any, config: Any = None, **options: Any
    ) -> Any:
        if isinstance(config, PreTrainedConfig) and getattr(config, _FIELD, None) is None:
            quantization = _quantization(_stored_config(pretrained_model_name_or_path, options))
            if quantization is not None:
                config = copy.copy(config)
                setattr(config, _FIELD, quantization)
        return original(cls, pretrained_model_name_or_path, *arguments, config=config, **options)

    return from_pretrained


def _quantization(config: dict[str, Any]) -> dict[str, Any] | None:
    field = config.get(_FIELD)
    return field if isinstance(field, dict) and field.get("quant_method") == "loewner" else None


def _parts(config: dict[str, Any], cls: Any) -> list[dict[str, Any]]:
    """The parts of a configuration that `cls.from_pretrained` may take."""
    if cls.base_config_key in config:
        parts = [config[cls.base_config_key]]
    elif config.get("model_type") != cls.model_type:
        parts = [p for p in config.values() if isinstance(p, dict) and p.get("model_type") == cls.model_type]
    else:
        parts = []
    return [part for part in parts if isinstance(part, dict)]


def _stored_config(folder: Any, options: dict[str, Any]) -> dict[str, Any]:
    """config.json of a folder, or of a model that the configuration was loaded from before. Nothing is downloaded."""
    if folder is None:
        return {}
    subfolder = options.get("subfolder") or ""
    try:
        if os.path.isdir(folder):
            file: Any = Path(folder, subfolder, "config.json")
        else:
            known = {name: options.get(name) for name in ("cache_dir", "revision")}
            file = cached_file(folder, "config.json", subfolder=subfolder, local_files_only=True, **known)
        config = json.loads(Path(file).read_text())
    except (OSError, ValueError):
        return {}  # from_pretrained says what is wrong
    return config if isinstance(config, dict) else {}
