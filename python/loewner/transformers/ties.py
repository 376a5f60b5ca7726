# SPDX-License-Identifier: Apache-2.0
"""Tied matrices: what shares a `weight` must share the arrays of the encoding instead."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from transformers import PreTrainedModel

from loewner.transformers.structures import STRUCTURES

Specs = dict[str, dict[str, Any]]  # by module path


def retie(model: PreTrainedModel, specs: Specs, stored: set[str]) -> Specs:
    """Extends the specifications to the modules tied to an encoded one, and rewrites the model's ties to arrays.

    A module of a tied group that the checkpoint stores on its own, dense or encoded, has values of its own: its tie is
    dissolved.
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
    for array in STRUCTURES[spec["structure"]].array_shapes(spec):
        for module in tied:
            model.all_tied_weights_keys[f"{module}.{array}"] = f"{anchor}.{array}"


def _hand_to_submodels(model: PreTrainedModel) -> None:
    """tie_weights() and save_pretrained() read `_tied_weights_keys` of each submodel, which names `weight` so far."""
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
