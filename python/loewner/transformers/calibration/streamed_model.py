# SPDX-License-Identifier: Apache-2.0
"""A model whose matrices stay on disk: each is read when its layer is called."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from loewner.transformers.calibration.lockstep import apply_weight
from loewner.transformers.calibration.stored_weights import StoredWeights

_FEWEST_ENTRIES = 1 << 14  # of a matrix that stays on disk
_ENTRIES_AT_ONCE = 1 << 24  # of the weight of an output layer


class Recent:
    """The matrices that were used last."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._matrices: OrderedDict[Any, Tensor] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Tensor]) -> Tensor:
        if key not in self._matrices:
            while len(self._matrices) >= self._most:
                self._matrices.popitem(last=False)
            self._matrices[key] = make()
        self._matrices.move_to_end(key)
        return self._matrices[key]

    def clear(self) -> None:
        self._matrices.clear()


class StreamedModel:
    """Loads a model without the weights of its linear layers and tables; everything else is in memory, in float32."""

    def __init__(self, folder: Path) -> None:
        self.model = _empty_model(folder)
        self.recent = Recent()
        self._stored = StoredWeights(self.model, folder)
        self._streamed = dict(_streamed_modules(self.model))
        for name, tensor in self.model.state_dict(keep_vars=True).items():
            if name.removesuffix(".weight") not in self._streamed or not name.endswith(".weight"):
                _put(self.model, name, self._stored.read(name), isinstance(tensor, nn.Parameter))
        for name, module in self._streamed.items():
            module.forward = partial(self._forward, name, module)

    def weight(self, module: str) -> Tensor:
        """The weight of a streamed or loaded module, as it is stored, in float32."""
        owner = self.model.get_submodule(module)
        if module not in self._streamed:
            return cast(Tensor, owner.weight)
        return self.recent.get(module, partial(self._stored.read, f"{module}.weight"))

    def resident_bytes(self) -> int:
        """Bytes of what is in memory all the time."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(tensor.nbytes for tensor in tensors if not tensor.is_meta)

    def _forward(self, name: str, module: nn.Module, x: Tensor) -> Tensor:
        if isinstance(module, nn.Embedding):
            rows, places = x.unique(return_inverse=True)  # type: ignore[no-untyped-call]
            return apply_weight(module, self._stored.rows(f"{name}.weight", rows), places)
        weight = cast(Tensor, module.weight)
        if type(module) is nn.Linear and weight.numel() > _ENTRIES_AT_ONCE and len(weight) > weight.shape[1]:
            return torch.cat(list(self._parts(name, module, x)), dim=-1)
        return apply_weight(module, self.weight(name), x)

    def _parts(self, name: str, layer: nn.Linear, x: Tensor) -> Iterator[Tensor]:
        """The outputs of a layer with many outputs, some at a time."""
        step = max(1, _ENTRIES_AT_ONCE // layer.in_features)
        for start in range(0, layer.out_features, step):
            end = min(start + step, layer.out_features)
            bias = None if layer.bias is None else layer.bias[start:end]
            yield functional.linear(x, self._stored.row_block(f"{name}.weight", start, end), bias)


def _empty_model(folder: Path) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(folder)
    names = getattr(config, "architectures", None) or []
    model_class = getattr(transformers, names[0], None) if names else None
    with torch.device("meta"):
        if model_class is None:
            model = AutoModel.from_config(config, dtype=torch.float32)  # type: ignore[no-untyped-call]
        else:
            model = model_class._from_config(config, dtype=torch.float32)
    model = cast(PreTrainedModel, model.eval())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    # Buffers that no checkpoint stores, such as the frequencies of rotary positions: transformers computes them again.
    for tensor in model.state_dict(keep_vars=True).values():
        tensor._is_hf_initialized = True
    for name, buffer in list(model.named_non_persistent_buffers()):
        _put(model, name, torch.empty_like(buffer, device="cpu"), False)
    model.initialize_weights()  # type: ignore[no-untyped-call]
    return model


def _streamed_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in model.named_modules():
        if not isinstance(module, nn.Embedding) and type(module) not in (nn.Linear, Conv1D):
            continue
        if cast(Tensor, module.weight).numel() < _FEWEST_ENTRIES:
            continue
        if isinstance(module, nn.Embedding):
            if len(inspect.signature(type(module).forward).parameters) != 2:
                continue  # positions that the module computes itself
            module.padding_idx = None  # it concerns gradients, and is no row of a part of the table
        yield name, module


def _put(model: nn.Module, name: str, value: Tensor, is_parameter: bool) -> None:
    path, _, own = name.rpartition(".")
    owner = model.get_submodule(path)
    if is_parameter:
        owner._parameters[own] = nn.Parameter(value, requires_grad=False)
    else:
        owner._buffers[own] = value
