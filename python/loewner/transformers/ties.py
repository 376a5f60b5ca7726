# SPDX-License-Identifier: Apache-2.0
"""Tied matrices: modules that share a `weight` must share the arrays of its encoding."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

from torch import nn
from transformers import PreTrainedModel

from loewner._structures import STRUCTURES
from loewner.transformers.modules import EncodedMatrix

_DENSE_TIES = "_dense_ties"  # attribute of a model: what its ties would be if all modules were dense

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
    extended, ties = dict(specs), dict(model.all_tied_weights_keys)
    for source, targets in groups.items():
        members = [source, *targets]
        anchor = next((member for member in members if member in specs), None)
        if anchor is None:
            continue
        tied = [m for m in members if m not in specs and f"{m}.weight" not in stored]
        extended.update(dict.fromkeys(tied, specs[anchor]))
        for target in targets:
            del model.all_tied_weights_keys[f"{target}.weight"], ties[f"{target}.weight"]
        _tie(model, anchor, tied, specs[anchor])
        ties.update({f"{member}.weight": f"{anchor}.weight" for member in tied})
    model.__dict__[_DENSE_TIES] = ties
    _hand_to_submodels(model)
    return extended


def tie_copies(model: PreTrainedModel, specs: Specs, copies: dict[str, str]) -> Specs:
    """Load the arrays of a tensor into modules that stored copies of it, although the model's class does not tie them.

    `copies` maps such a module to the module of the tensor. Modules with a specification need nothing.
    """
    extended = dict(specs)
    for copy, anchor in copies.items():
        if copy not in extended:
            extended[copy] = specs[anchor]
            _tie(model, anchor, [copy], specs[anchor])
    return extended


def untie_copies(model: PreTrainedModel, copies: list[str]) -> None:
    """Give modules arrays of their own."""
    for path in copies:
        module = cast(EncodedMatrix, model.get_submodule(path))
        for name in module.array_names():
            shared = getattr(module, name)
            module._parameters[name] = nn.Parameter(shared.detach().clone(), requires_grad=shared.requires_grad)
            model.all_tied_weights_keys.pop(f"{path}.{name}", None)


def update_ties(model: nn.Module) -> None:
    """Write the ties again after modules became dense: a tied pair shares arrays, or a weight."""
    modules = dict(model.named_modules(remove_duplicate=False))
    ties: dict[str, str] = {}
    for target, source in model.__dict__[_DENSE_TIES].items():
        first, second = modules.get(_path(target)), modules.get(_path(source))
        if not target.endswith(".weight") or not any(isinstance(m, EncodedMatrix) for m in (first, second)):
            ties[target] = source
            continue
        if not isinstance(first, EncodedMatrix) or not isinstance(second, EncodedMatrix):
            continue
        if first.anchor() is second.anchor():
            ties.update({f"{_path(target)}.{array}": f"{_path(source)}.{array}" for array in first.array_names()})
    model.__dict__["all_tied_weights_keys"] = ties
    _hand_to_submodels(model)


def _tie(model: PreTrainedModel, anchor: str, tied: list[str], spec: dict[str, Any]) -> None:
    for array in STRUCTURES[spec["structure"]].module_class().array_shapes(spec):
        for module in tied:
            model.all_tied_weights_keys[f"{module}.{array}"] = f"{anchor}.{array}"


def _hand_to_submodels(model: nn.Module) -> None:
    """Update `_tied_weights_keys` of each submodel, which tie_weights() and save_pretrained() read."""
    for path, submodel in model.named_modules():
        if not isinstance(submodel, PreTrainedModel):
            continue
        prefix = f"{path}." if path else ""
        submodel._tied_weights_keys = {
            target.removeprefix(prefix): source.removeprefix(prefix)
            for target, source in model.__dict__["all_tied_weights_keys"].items()
            if target.startswith(prefix) and source.startswith(prefix)
        }


def _path(parameter: str) -> str:
    return parameter.rpartition(".")[0]
