# SPDX-License-Identifier: Apache-2.0
"""Tied matrices: modules that share a `weight` must share the arrays of its encoding."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from transformers import PreTrainedModel

from loewner._structures import STRUCTURES

Specs = dict[str, dict[str, Any]]  # by module path


def retie(model: PreTrainedModel, specs: Specs, stored: set[str]) -> Specs:
    """Extend the specifications to modules tied to an encoded one, and tie their arrays in place of their weights.

    If the checkpoint stores a separate matrix for a module of a tied group, dense or encoded, that module is no longer
    tied.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for target, source in model.all_tied_weights_keys.items():
        if target.endswith(".weight") and source.endswith(".weight"):
            groups[_path(source)].append(_path(target))
    extended = dict(specs)
    for source, targets in groups.items():
        members = [source, *targets]
        anchor = next((member for member in members if member in specs), None)
        if anchor is None:
            continue
        tied = [m for m in members if m not in specs and f"{m}.weight" not in stored]
        extended.update(dict.fromkeys(tied, specs[anchor]))
        for target in targets:
            model.all_tied_weights_keys.pop(f"{target}.weight")
        _tie(model, anchor, tied, specs[anchor])
    _hand_to_submodels(model)
    return extended


def _tie(model: PreTrainedModel, anchor: str, tied: list[str], spec: dict[str, Any]) -> None:
    for array in STRUCTURES[spec["structure"]].module_class().array_shapes(spec):
        for module in tied:
            model.all_tied_weights_keys[f"{module}.{array}"] = f"{anchor}.{array}"


def _hand_to_submodels(model: PreTrainedModel) -> None:
    """Update `_tied_weights_keys` of each submodel, which tie_weights() and save_pretrained() read."""
    for path, submodel in model.named_modules():
        if not isinstance(submodel, PreTrainedModel):
            continue
        prefix = f"{path}." if path else ""
        submodel._tied_weights_keys = {
            target.removeprefix(prefix): source.removeprefix(prefix)
            for target, source in model.all_tied_weights_keys.items()
            if target.startswith(prefix) and source.startswith(prefix)
        }


def _path(parameter: str) -> str:
    return parameter.rpartition(".")[0]
