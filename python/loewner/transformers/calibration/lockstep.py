# SPDX-License-Identifier: Apache-2.0
"""Forwards of a model that stand still together at each of its linear layers.

Each forward is a thread that stops in the layer and waits. Only one of them runs at a time. So every layer is seen once
for all batches, in the order of the model's own code, and nothing but the hidden states of the batches is in memory.
The same weights serve the original model and the partly coded one: a coded forward takes the coded weight of each layer
that has one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

_current = threading.local()


class _Abandoned(BaseException):
    """Ends the thread of a forward that is no longer wanted."""


class Forward:
    """One forward of the model, on one batch, in a thread of its own."""

    def __init__(self, batch: dict[str, Tensor], coded: bool = False, held_out: bool = False) -> None:
        """held_out: the batch measures the result, and no layer is fitted to it."""
        self.batch, self.coded, self.held_out = batch, coded, held_out
        self.layer: str | None = None  # where it stands; None before the start and at the end
        self.inputs: Tensor | None = None  # of that layer
        self.outputs: Any = None  # of the model, at the end
        self._error: BaseException | None = None
        self._abandoned = False
        self._go, self._halted = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    @property
    def size(self) -> int:
        """The number of sequences."""
        return len(next(iter(self.batch.values())))

    def go_on(self, model: nn.Module) -> None:
        """Runs to the next layer or to the end, where an error of the forward is raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(model,), daemon=True)
            self._thread.start()
        self.layer = self.inputs = None
        self._go.release()
        self._halted.acquire()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._abandoned = True
            self._go.release()
            self._thread.join()

    def stand_at(self, layer: str, inputs: Tensor) -> None:
        self.layer, self.inputs = layer, inputs
        self._halted.release()
        self._go.acquire()
        if self._abandoned:
            raise _Abandoned

    @torch.no_grad()
    def _run(self, model: nn.Module) -> None:
        self._go.acquire()
        _current.forward = self
        try:
            if not self._abandoned:
                self.outputs = model(**self.batch)
        except _Abandoned:
            pass
        except BaseException as error:  # raised again in the main thread
            self._error = error
        self._halted.release()


@dataclass(frozen=True)
class Stop:
    """All forwards that stand at a layer."""

    layer: str
    forwards: Sequence[Forward]

    def fitting(self, coded: bool) -> list[Forward]:
        """The forwards of one kind that are not held out, in the order of the batches."""
        return [forward for forward in self.forwards if forward.coded == coded and not forward.held_out]


class Lockstep:
    """Runs forwards of a model from layer to layer.

    Use it as a context manager: inside, the forward functions of the layers are replaced.
    """

    def __init__(
        self, model: nn.Module, layers: dict[str, nn.Module], forwards: Sequence[Forward], others: dict[str, nn.Module]
    ) -> None:
        """Modules by name: nn.Linear, nn.Embedding or Conv1D. Forwards stand still at `layers`, and pass `others`."""
        self._model, self._modules, self._forwards = model, {**layers, **others}, forwards
        self._order = {name: place for place, name in enumerate(layers)}
        self.coded: dict[str, Tensor] = {}  # weights of the coded model, with the shape of the original's

    def __enter__(self) -> Lockstep:
        for name, layer in self._modules.items():
            layer.forward = partial(self._forward_of, name, layer, layer.forward)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for forward in self._forwards:
            forward.abandon()
        for layer in self._modules.values():
            del layer.forward  # that of the class shows again

    def stops(self) -> Iterator[Stop]:
        """Yields each layer with the forwards that stand there. They go on when the next stop is asked for.

        If batches stand at different layers, as with experts, the first layer of the model comes first.
        """
        for forward in self._forwards:
            forward.go_on(self._model)
        while standing := [forward for forward in self._forwards if forward.layer is not None]:
            layer = min((forward.layer for forward in standing if forward.layer), key=self._order.__getitem__)
            here = [forward for forward in standing if forward.layer == layer]
            yield Stop(layer, here)
            for forward in here:
                forward.go_on(self._model)

    def _forward_of(self, name: str, layer: nn.Module, original: Callable[..., Tensor], x: Tensor) -> Tensor:
        forward: Forward | None = getattr(_current, "forward", None)
        if forward is None:
            return original(x)
        if name in self._order:
            forward.stand_at(name, x)
        weight = self.coded.get(name) if forward.coded else None
        return original(x) if weight is None else apply_weight(layer, x, weight)


def apply_weight(layer: nn.Module, x: Tensor, weight: Tensor) -> Tensor:
    """The layer's output with another weight in place of its own."""
    if isinstance(layer, nn.Embedding):
        return functional.embedding(x, weight, layer.padding_idx)
    if isinstance(layer, Conv1D):
        return x @ weight + layer.bias
    assert isinstance(layer, nn.Linear)
    return functional.linear(x, weight, layer.bias)
