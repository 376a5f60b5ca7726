# SPDX-License-Identifier: Apache-2.0
"""Experts that a model holds in one parameter, as layers of their own.

transformers stacks the stored matrices of experts, experts x outputs x inputs, some of them one below the other. Its
eager forward multiplies the tokens of expert e by parameter[e]. Here each such product goes through a module for each
stored matrix, so that all else sees linear layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode


@dataclass(frozen=True)
class StackedMatrix:
    """A stored matrix that is a part of a parameter."""

    tensor: int
    parameter: str
    expert: int
    stored: Callable[[], Tensor]


@dataclass(frozen=True)
class ExpertLayer:
    """The layer of a stored matrix."""

    tensor: int
    module: nn.Linear
    matrix: int  # the address of parameter[e]
    reads_block: bool  # its inputs are those of the block, which all experts share


def layers_of_experts(model: Any, matrices: Iterable[StackedMatrix]) -> dict[str, ExpertLayer]:
    """Layers by name, in the order in which the model calls them. Changes the forwards of the modules that hold them.

    Experts whose matrices are not found in the parameter, as they are stored, are left out.
    """
    layers: dict[str, ExpertLayer] = {}
    by_module: dict[str, list[StackedMatrix]] = defaultdict(list)
    for matrix in matrices:
        by_module[matrix.parameter.rpartition(".")[0]].append(matrix)
    for name, of_module in by_module.items():
        module = model.get_submodule(name)
        found = _layers_of_module(name, module, of_module)
        if found:
            layers |= found
            module.forward = partial(_forward_through, module.forward, _by_address(found.values()))
    if layers:
        model.set_experts_implementation("eager")
    return layers


def _layers_of_module(name: str, module: nn.Module, matrices: Sequence[StackedMatrix]) -> dict[str, ExpertLayer]:
    stacks = [(own, parameter) for own, parameter in module.named_parameters(recurse=False) if parameter.dim() == 3]
    found: dict[tuple[int, int, int], ExpertLayer] = {}  # by expert, parameter and first row
    for place, (own, parameter) in enumerate(stacks):
        parts: dict[int, dict[int, ExpertLayer]] = defaultdict(dict)
        for matrix in matrices:
            if matrix.parameter != f"{name}.{own}" or matrix.expert >= len(parameter):
                continue
            whole, stored = parameter.data[matrix.expert], matrix.stored()
            first = _first_row(whole, stored)
            if first is not None:
                rows = whole[first : first + len(stored)]
                layer = nn.Linear(rows.shape[1], rows.shape[0], bias=False, device="meta")
                layer.weight = nn.Parameter(rows, requires_grad=False)
                parts[matrix.expert][first] = ExpertLayer(matrix.tensor, layer, whole.data_ptr(), place == 0)
        for expert, of_expert in parts.items():
            if sum(layer.module.out_features for layer in of_expert.values()) == parameter.shape[1]:
                found |= {(expert, place, first): layer for first, layer in of_expert.items()}
    return {f"{name}.{stacks[p][0]}.{expert}.{first}": found[expert, p, first] for expert, p, first in sorted(found)}


def _first_row(whole: Tensor, stored: Tensor) -> int | None:
    """Where a matrix begins in another one; None if it is not in it."""
    for first in range(0, len(whole), len(stored)):
        if torch.equal(whole[first : first + len(stored)], stored):
            return first
    return None


def _by_address(layers: Iterable[ExpertLayer]) -> dict[int, list[nn.Linear]]:
    """The layers of each matrix parameter[e], from its first row to its last, by the address of the matrix."""
    addresses: dict[int, list[nn.Linear]] = defaultdict(list)
    for layer in layers:
        addresses[layer.matrix].append(layer.module)
    return dict(addresses)


class _Products(TorchFunctionMode):
    """Products with the matrices of experts go through their layers."""

    def __init__(self, layers: dict[int, list[nn.Linear]]) -> None:
        super().__init__()
        self._layers = layers

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        layers = self._layers.get(args[1].data_ptr()) if function is functional.linear and len(args) > 1 else None
        if layers is None:
            return function(*args, **named)
        outputs = torch.cat([layer(args[0]) for layer in layers], -1)
        bias = args[2] if len(args) > 2 else named.get("bias")
        return outputs if bias is None else outputs + bias


def _forward_through(
    original: Callable[..., Tensor], layers: dict[int, list[nn.Linear]], *arguments: Any, **named: Any
) -> Tensor:
    with _Products(layers):
        return original(*arguments, **named)
