# SPDX-License-Identifier: Apache-2.0
"""The modules of a model that use the tensors of a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from loewner.transformers.calibration.experts import StackedMatrix, layers_of_experts
from loewner.transformers.calibration.survey import Layer, Layers, Tables
from loewner.transformers.checkpoint_names import CheckpointNames


def modules_of(session: Any, model: Any, folder: Path, with_experts: bool = True) -> tuple[Layers, Tables]:
    """Linear layers with their tensors, and the modules that look up or share a table, both by module name.

    Layers that the model calls in another way than by their forward, or stores under a converted name, are left out,
    except for experts, whose forward changes.
    """
    files = [str(path) for path in sorted(folder.glob("**/*.safetensors"))]
    names = CheckpointNames(model, files, [tensor.name for tensor in session.tensors])
    modules = dict(model.named_modules())
    layers: Layers = {}
    tables: Tables = {}
    stacked: list[StackedMatrix] = []
    for number, tensor in enumerate(session.tensors):
        place = names.place(tensor.name)
        if place is None:
            continue
        if place.pattern:
            expert = re.search(r"\.experts\.(\d+)\.", tensor.name)
            if with_experts and expert and tensor.inputs == "cols":
                read = partial(_stored, files, tensor.name)
                stacked.append(StackedMatrix(number, place.parameter, int(expert[1]), read))
            continue
        owner: Any = modules.get(place.parameter.removesuffix(".weight"))
        if owner is None or tuple(owner.weight.shape) != (tensor.rows, tensor.cols):
            continue
        if type(owner) in (nn.Linear, Conv1D) and tensor.inputs is not None:
            layers[place.parameter.removesuffix(".weight")] = Layer(number, tensor.name, owner, tensor.inputs)
        elif isinstance(owner, nn.Embedding):
            tables.update({name: (number, module) for name, module in _sharing(modules, owner)})
    order = {name: place for place, name in enumerate(modules)}
    for name, expert_layer in layers_of_experts(model, stacked).items():
        block = name.rsplit(".", 3)[0]
        number = expert_layer.tensor
        layers[name] = Layer(
            number,
            session.tensors[number].name,
            expert_layer.module,
            "cols",
            is_expert=True,
            block=block if expert_layer.reads_block else None,
        )
        order[name] = order[block]
    return dict(sorted(layers.items(), key=lambda item: order[item[0]])), tables


def _stored(files: list[str], tensor: str) -> Tensor:
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            if tensor in tensors.keys():  # noqa: SIM118
                stored: Tensor = tensors.get_tensor(tensor).float()
                return stored
    raise KeyError(tensor)


def _sharing(modules: dict[str, nn.Module], owner: nn.Embedding) -> Iterator[tuple[str, nn.Module]]:
    """The table itself and those that share its weight."""
    for name, module in modules.items():
        if getattr(module, "weight", None) is owner.weight and isinstance(module, nn.Embedding | nn.Linear):
            yield name, module
