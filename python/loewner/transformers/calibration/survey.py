# SPDX-License-Identifier: Apache-2.0
"""What forwards of the original model show: moments of each layer's inputs, and what errors do to the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from loewner.transformers.calibration.effects import Effects, divergence, is_vector, output_rows
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.moments import MomentsAtStops
from loewner.transformers.calibration.sequences import NoCalibration, model_inputs
from loewner.transformers.calibration.targets import damped, robust

EFFECT_TOKENS = 3072
Progress = Callable[[str, float], None]


@dataclass
class Layer:
    """A linear layer that the session encodes."""

    number: int  # of the tensor in the session
    name: str  # of the tensor
    module: nn.Module
    inputs: str  # side of the stored matrix: "cols" or "rows"

    def weight(self) -> Tensor:
        """Outputs x inputs."""
        weight = cast(Tensor, self.module.weight).detach().float()
        return weight if self.inputs == "cols" else weight.T


Layers = dict[str, Layer]  # by the name of the module
Tables = dict[str, tuple[int, nn.Module]]  # number of the tensor, and the module, by its name


@dataclass(frozen=True)
class Inputs:
    """Moments of the inputs of a layer in the original model."""

    second: Tensor  # float64 numbers that float32 holds, as moments files store them
    tokens: int
    owner: str  # the first layer with these inputs


@dataclass
class Survey:
    """The layers that the forwards reach."""

    inputs: dict[str, Inputs] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)  # layers that the model calls again and again, as ALBERT does
    effects: dict[int, float] = field(
        default_factory=dict
    )  # of a relative squared error of each tensor, where measured


class Surveyor:
    """Runs the model for a survey."""

    def __init__(
        self,
        session: Any,
        model: nn.Module,
        layers: Layers,
        tables: Tables,
        batches: Sequence[Tensor],
        progress: Progress,
    ) -> None:
        self._session, self._model, self._layers, self._tables = session, model, layers, tables
        self._batches, self._progress = batches, progress
        self._generator = torch.Generator().manual_seed(0)

    def survey(self, tokens: int | None = None) -> Survey:
        """Moments of about this many tokens, by default of all, and the effects. Surveys the tensors in the session.

        Raises NoCalibration if the forwards reach no layer.
        """
        survey = self._inputs(self._batches if tokens is None else self._few(tokens))
        if not survey.inputs:
            raise NoCalibration("the forwards reach no selected linear layer")
        survey.effects = self._effects(survey) | self._effects_of_tables()
        return survey

    def _few(self, tokens: int) -> list[Tensor]:
        """A part of every batch, with about this many tokens together."""
        share = min(1.0, tokens / sum(batch.numel() for batch in self._batches))
        return [batch[: max(1, round(share * len(batch)))] for batch in self._batches]

    def _inputs(self, batches: Sequence[Tensor]) -> Survey:
        survey, moments_at = Survey(), MomentsAtStops()
        modules = {name: layer.module for name, layer in self._layers.items()}
        with Lockstep(
            self._model, modules, [Forward(model_inputs(self._model, batch)) for batch in batches], {}
        ) as walk:
            for stop in walk.stops():
                layer = self._layers[stop.layer]
                self._progress(f"survey of {layer.name}", 0.15 * len(survey.inputs) / len(self._layers))
                moments = moments_at.at(stop, side_by_side=False)
                second = finite(robust(moments.second(), moments.tokens), layer.name)
                if stop.layer in survey.inputs:  # the mean over the calls
                    survey.repeated.add(stop.layer)
                    second = (survey.inputs[stop.layer].second + second) / 2
                if second.diagonal().max() > 0:
                    survey.inputs[stop.layer] = Inputs(as_stored(second), moments.tokens, moments_at.owner)
        return survey

    def _effects(self, survey: Survey) -> dict[int, float]:
        """The effect of each layer's relative squared output error, where it is not zero."""
        roots, energies, few = {}, {}, self._few(EFFECT_TOKENS)
        for name, inputs in survey.inputs.items():
            root = torch.linalg.cholesky(damped(inputs.second)).float()
            self._session.survey(self._layers[name].number, inputs.second.numpy())
            roots[name] = root
            energies[name] = float((self._layers[name].weight() @ root).double().square().mean())
        effects = Effects(self._model, {name: self._layers[name].module for name in roots}, roots, energies)
        for done, batch in enumerate(few):
            self._progress("effect of each layer on the outputs", 0.15 + 0.1 * done / len(few))
            effects.add(model_inputs(self._model, batch), self._generator)
        return {self._layers[name].number: mean for name, mean in effects.means().items() if mean > 0}

    def _effects_of_tables(self) -> dict[int, float]:
        """The effect of each table's relative squared error, measured with the table coded at a middle size."""
        few = [model_inputs(self._model, batch) for batch in self._few(EFFECT_TOKENS)]
        effects: dict[int, float] = {}
        with torch.no_grad():
            before = [self._model(**inputs) for inputs in few]
            for number, module in {number: module for number, module in self._tables.values()}.items():
                self._session.survey(number)
                bytes_and_errors = self._session.candidates(number)
                if not bytes_and_errors:
                    continue
                size, error = middle(bytes_and_errors)
                weight = cast(nn.Parameter, module.weight)
                original = weight.data
                weight.data = torch.from_numpy(self._session.trial(number, size)[0]).to(weight.dtype)
                after = [self._model(**inputs) for inputs in few]
                weight.data = original
                effects[number] = max(mean_change(before, after), 1e-12) / error
        return effects


def with_guesses(effects: dict[int, float], tensors: Sequence[Any]) -> dict[int, float]:
    """Adds the tensors whose effect is not measured: the mean effect per entry of the others."""
    entries = sum(tensors[number].rows * tensors[number].cols for number in effects)
    density = sum(effects[number] for number in sorted(effects)) / max(1, entries)
    guesses = {
        number: density * tensor.rows * tensor.cols
        for number, tensor in enumerate(tensors)
        if number not in effects and density > 0
    }
    return effects | guesses


def mean_change(original: Sequence[Any], coded: Sequence[Any]) -> float:
    """The mean change of all outputs (effects.divergence)."""
    changes = [
        divergence(output_rows(before), output_rows(after), is_vector(before)).flatten()
        for before, after in zip(original, coded, strict=True)
    ]
    return float(torch.cat(changes).double().mean())


def middle(candidates: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """Bytes and error of the candidate whose error is nearest to 0.1: about two bits an entry."""
    return min((c for c in candidates if c[1] > 0), key=lambda c: abs(math.log(c[1] / 0.1)))


def finite(moments: Tensor, layer: str) -> Tensor:
    if not torch.isfinite(moments).all():
        raise NoCalibration(f"{layer}: its inputs are not finite")
    return moments


def as_stored(moments: Tensor) -> Tensor:
    """Rounded as moments files store them: `compress --moments` then encodes with the same numbers."""
    return moments.float().double()
