# SPDX-License-Identifier: Apache-2.0
"""The modules of a model that use the tensors of a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from loewner.transformers.calibration.survey import Layer, Layers, Tables
from loewner.transformers.checkpoint_names import CheckpointNames


def modules_of(session: Any, model: Any, folder: Path) -> tuple[Layers, Tables]:
    """Linear layers with their tensors, and the modules that look up or share a table, both by module name.

    Layers that the model calls in another way than by their forward, or stores under a converted name, are left out.
    """
    files = [str(path) for path in sorted(folder.glob("**/*.safetensors"))]
    names = CheckpointNames(model, files, [tensor.name for tensor in session.tensors])
    modules = dict(model.named_modules())
    layers: Layers = {}
    tables: Tables = {}
    for number, tensor in enumerate(session.tensors):
        place = names.place(tensor.name)
        if place is None or place.pattern:
            continue
        owner: Any = modules.get(place.parameter.removesuffix(".weight"))
        if owner is None or tuple(owner.weight.shape) != (tensor.rows, tensor.cols):
            continue
        if type(owner) in (nn.Linear, Conv1D) and tensor.inputs is not None:
            layers[place.parameter.removesuffix(".weight")] = Layer(number, tensor.name, owner, tensor.inputs)
        elif isinstance(owner, nn.Embedding):
            tables.update({name: (number, module) for name, module in _sharing(modules, owner)})
    order = {name: place for place, name in enumerate(modules)}
    return dict(sorted(layers.items(), key=lambda item: order[item[0]])), tables


def _sharing(modules: dict[str, nn.Module], owner: nn.Embedding) -> Iterator[tuple[str, nn.Module]]:
    """The table itself and those that share its weight."""
    for name, module in modules.items():
        if getattr(module, "weight", None) is owner.weight and isinstance(module, nn.Embedding | nn.Linear):
            yield name, module
