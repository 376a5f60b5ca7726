# SPDX-License-Identifier: Apache-2.0
"""Forwards of a model that stand still together at each of its linear layers.

Each forward is a thread that stops in the layer and waits. Only one of them runs at a time. So every layer is seen once
for all batches, in the order of the model's own code, and nothing but the hidden states of the batches is in memory.
The same weights serve the original model and the partly coded one: a coded forward takes the coded weight of each layer
that has one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

_current = threading.local()


class _Abandoned(BaseException):
    """Ends the thread of a forward of which nothing more is wanted."""


class Forward:
    """One forward of the model, on one batch, in a thread of its own."""

    def __init__(
        self, batch: dict[str, Tensor], coded: bool = False, held_out: bool = False, is_measured: bool = True
    ) -> None:
        """held_out: no layer is fitted to the batch. is_measured: the outputs of the model are kept."""
        self.batch, self.coded, self.held_out, self.is_measured = batch, coded, held_out, is_measured
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
                outputs = model(**self.batch)
                self.outputs = outputs if self.is_measured else None
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
        self,
        model: nn.Module,
        layers: dict[str, nn.Module],
        forwards: Sequence[Forward],
        others: dict[str, nn.Module],
        coded: MutableMapping[str, Tensor] | None = None,
        last: nn.Module | None = None,
    ) -> None:
        """Modules by name: nn.Linear, nn.Embedding or Conv1D. Forwards stand still at `layers`, and pass `others`.

        coded: the weights of the coded model, with the shape of the original's. last: one of the modules, at which
        forwards end whose outputs are not kept.
        """
        self._model, self._modules, self._forwards, self._last = model, {**layers, **others}, forwards, last
        self._order = {name: place for place, name in enumerate(layers)}
        self._before: dict[str, Any] = {}  # forward functions
        self.coded = {} if coded is None else coded

    def __enter__(self) -> Lockstep:
        for name, layer in self._modules.items():
            self._before[name] = layer.forward
            layer.forward = partial(self._forward_of, name, layer, layer.forward)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for forward in self._forwards:
            forward.abandon()
        for name, layer in self._modules.items():
            del layer.forward  # that of the class shows again
            if layer.forward != self._before[name]:
                layer.forward = self._before[name]

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

    def _forward_of(
        self, name: str, layer: nn.Module, original: Callable[..., Tensor], *arguments: Any, **named: Any
    ) -> Tensor:
        forward: Forward | None = getattr(_current, "forward", None)
        if forward is None:
            return original(*arguments, **named)
        if name in self._order:
            forward.stand_at(name, arguments[0])
        if layer is self._last and not forward.is_measured:
            raise _Abandoned
        weight = self.coded.get(name) if forward.coded else None
        if weight is None:
            return original(*arguments, **named)
        if isinstance(layer, Conv1D):
            return cast(Tensor, arguments[0] @ weight + layer.bias)  # rounded unlike addmm
        return apply_weight(layer, weight, *arguments, **named)


def apply_weight(layer: nn.Module, weight: Tensor, *arguments: Any, **named: Any) -> Tensor:
    """The layer's output with another weight in place of its own."""
    own = layer._parameters["weight"]
    layer._parameters["weight"] = cast(nn.Parameter, weight)
    try:
        return cast(Tensor, type(layer).forward(layer, *arguments, **named))
    finally:
        layer._parameters["weight"] = own
