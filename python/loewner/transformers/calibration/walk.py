# SPDX-License-Identifier: Apache-2.0
"""Compression of a model whose linear layers are coded for the inputs that a calibration text gives them.

survey     forwards on a few thousand tokens: moments of each layer's inputs, curves of bytes against error
effects    how much an error of each layer changes the outputs of the model
plan       bytes of each tensor
walk       forwards of the original and of the partly coded model side by side: each layer is coded when they reach it
finish     the output folder is written
"""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from loewner.transformers.calibration.effects import Effects, divergence, is_vector, output_rows
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.sequences import NoCalibration, model_inputs
from loewner.transformers.calibration.targets import best_correction, damped, robust

SURVEY_TOKENS = 8192
EFFECT_TOKENS = 3072
Progress = Callable[[str, float], None]


@dataclass
class Layer:
    """A linear layer that the session encodes."""

    number: int  # of the tensor in the session
    name: str  # of the tensor
    module: nn.Module
    inputs: str  # side of the stored matrix: "cols" or "rows"

    def by_output(self, weight: Tensor) -> Tensor:
        """The weight of the module as outputs x inputs."""
        return weight if self.inputs == "cols" else weight.T


@dataclass
class Survey:
    """What the forwards of the original show of each layer that they reach."""

    roots: dict[str, Tensor] = field(default_factory=dict)  # Cholesky factors of the moments
    energies: dict[str, float] = field(default_factory=dict)  # mean square of an entry of W H^(1/2)
    shared: dict[str, Tensor] = field(default_factory=dict)  # moments over all calls of a layer that is called again


class Walk:
    """One calibrated compression; see the top of this file."""

    effect_tokens = EFFECT_TOKENS

    def __init__(
        self,
        session: Any,
        model: nn.Module,
        layers: dict[str, Layer],
        tables: dict[str, tuple[int, nn.Module]],
        batches: Sequence[Tensor],
        held_out: Sequence[Tensor],
        text: str,
        progress: Progress | None = None,
    ) -> None:
        """layers: by the name of the module. tables: (number of the tensor, module) by the name of the module."""
        self._session, self._model, self._layers, self._tables = session, model, layers, tables
        self._batches, self._held_out = list(batches), list(held_out)
        self._text = text
        self._progress = progress or (lambda _what, _share: None)
        self._generator = torch.Generator().manual_seed(0)
        self._planned: list[Any] = []
        self._reached: set[str] = set()
        self._shared: dict[str, Tensor] = {}
        self._predicted = 0.0

    def plan(self) -> None:
        """Divides the bytes among the tensors by the effect that their errors have on the outputs."""
        survey = self._survey()
        if not survey.roots:
            raise NoCalibration("the forwards reach no selected linear layer")
        self._reached, self._shared = set(survey.roots), survey.shared
        importance = {self._layers[name].number: slope for name, slope in self._effects(survey).items()}
        importance |= self._effects_of_tables()
        self._planned = self._session.plan(importance | self._guesses(importance))
        self._predicted = sum(slope * (self._planned[number].error or 0.0) for number, slope in importance.items())

    def _lockstep(self, forwards: Sequence[Forward]) -> Lockstep:
        layers = {name: layer.module for name, layer in self._layers.items()}
        tables = {name: module for name, (_, module) in self._tables.items()}
        return Lockstep(self._model, layers, forwards, tables, self._coded_weights(), output_layer(self._model))

    def _coded_weights(self) -> MutableMapping[str, Tensor]:
        return {}

    def _weight(self, name: str) -> Tensor:
        """Outputs x inputs."""
        layer = self._layers[name]
        return layer.by_output(cast(Tensor, layer.module.weight).detach().float())

    def _inputs(self, batch: Tensor) -> dict[str, Tensor]:
        """The arguments of a forward."""
        return model_inputs(self._model, batch)

    def _moments(self) -> MomentsAtStops:
        return MomentsAtStops()

    def _second(self, moments: Moments) -> Tensor:
        return robust(moments.second(), moments.tokens)

    def _few(self, tokens: int) -> list[Tensor]:
        """A part of every batch, with about this many tokens together."""
        share = min(1.0, tokens / sum(batch.numel() for batch in self._batches))
        return [batch[: max(1, round(share * len(batch)))] for batch in self._batches]

    def _survey(self) -> Survey:
        survey, moments_at = Survey(), self._moments()
        forwards = [Forward(self._inputs(batch), is_measured=False) for batch in self._few(SURVEY_TOKENS)]
        with self._lockstep(forwards) as lockstep:
            for stop in lockstep.stops():
                layer = self._layers[stop.layer]
                self._progress(f"survey of {layer.name}", 0.15 * len(survey.roots) / len(self._layers))
                moments = moments_at.at(stop, side_by_side=False)
                second = finite(self._second(moments), layer.name)
                if stop.layer in survey.roots:
                    second = self._over_calls(survey, stop.layer, second)
                if second.diagonal().max() > 0:
                    self._add(survey, layer, stop.layer, second)
        return survey

    def _over_calls(self, survey: Survey, name: str, second: Tensor) -> Tensor:
        """The mean over the calls of a layer that a model applies again and again, as ALBERT does."""
        root = survey.roots[name].double()
        survey.shared[name] = (survey.shared.get(name, root @ root.T) + second) / 2
        return survey.shared[name]

    def _add(self, survey: Survey, layer: Layer, name: str, second: Tensor) -> None:
        root = torch.linalg.cholesky(damped(second))
        self._session.survey(layer.number, second.numpy())
        survey.roots[name] = root.float()
        survey.energies[name] = float((self._weight(name) @ root.float()).double().square().mean())

    def _effects(self, survey: Survey) -> dict[str, float]:
        """The effect of each layer's relative squared output error, where it is not zero."""
        layers = {name: layer.module for name, layer in self._layers.items() if name in survey.roots}
        effects, few = Effects(self._model, layers, survey.roots, survey.energies), self._few(self.effect_tokens)
        for done, batch in enumerate(few):
            self._progress("effect of each layer on the outputs", 0.15 + 0.1 * done / len(few))
            effects.add(self._inputs(batch), self._generator)
        return {name: mean for name, mean in effects.means().items() if mean > 0}

    def _effects_of_tables(self) -> dict[int, float]:
        """The effect of each table's relative squared error, measured with the table coded at a middle size."""
        effects: dict[int, float] = {}
        before = self._outputs_with({})
        for number in dict.fromkeys(number for number, _ in self._tables.values()):
            self._session.survey(number)
            bytes_and_errors = self._session.candidates(number)
            if not bytes_and_errors:
                continue
            size, error = middle(bytes_and_errors)
            trial = torch.from_numpy(self._session.trial(number, size)[0])
            sharing = [other for other, (its_number, _) in self._tables.items() if its_number == number]
            after = self._outputs_with(dict.fromkeys(sharing, trial))
            effects[number] = max(mean_change(before, after), 1e-12) / error
        return effects

    def _outputs_with(self, coded: dict[str, Tensor]) -> list[Any]:
        """The outputs on a few tokens, with other weights in some modules."""
        forwards = [Forward(self._inputs(batch), coded=True) for batch in self._few(self.effect_tokens)]
        with self._lockstep(forwards) as lockstep:
            lockstep.coded.update(coded)
            for _ in lockstep.stops():
                pass
        return [forward.outputs for forward in forwards]

    def _guesses(self, importance: dict[int, float]) -> dict[int, float]:
        """For tensors without effect on the outputs that are measured: the mean effect per entry of the others."""
        tensors = self._session.tensors
        entries = sum(tensors[number].rows * tensors[number].cols for number in importance)
        density = sum(importance.values()) / max(1, entries)
        return {
            number: density * tensor.rows * tensor.cols
            for number, tensor in enumerate(tensors)
            if number not in importance and density > 0
        }

    def encode(self) -> dict[str, Any]:
        """Encodes all tensors; returns what the specification and the report say of the calibration."""
        batches = [(batch, False) for batch in self._batches] + [(batch, True) for batch in self._held_out]
        forwards = [
            Forward(self._inputs(batch), coded, held_out, is_measured=held_out or not self._held_out)
            for batch, held_out in batches
            for coded in (False, True)
        ]
        records: dict[str, Any] = {}
        with self._lockstep(forwards) as lockstep:
            self._encode_before_the_walk(lockstep)
            moments_at = self._moments()
            for stop in lockstep.stops():
                if stop.layer in lockstep.coded or self._is_copied(stop.layer):
                    continue
                layer = self._layers[stop.layer]
                self._progress(f"encoding {layer.name}", 0.3 + 0.6 * len(records) / len(self._layers))
                moments = moments_at.at(stop, side_by_side=True)
                correction = self._correction(stop.layer, moments)
                second = finite(self._second(moments), layer.name)
                decoded = self._encoded(layer.number, second, moments.cross(), correction)
                self._keep(lockstep, stop.layer, layer.module, decoded)
                records[layer.name] = {"tokens": moments.tokens, "correction": round(correction, 4)}
        return {"tensors": records, "model": {"text": self._text, **self._change(forwards)}}

    def _correction(self, name: str, moments: Moments) -> float:
        return best_correction(self._weight(name), moments)

    def _encode_before_the_walk(self, lockstep: Lockstep) -> None:
        """Tables, layers that no forward reaches, and layers that are called again and again."""
        tables = {
            number: self._encoded(number) for number in self._numbers_of_tables() if not self._planned[number].copied
        }
        for name, (number, module) in self._tables.items():
            if number in tables:
                self._keep(lockstep, name, module, tables[number])
        for name, layer in self._layers.items():
            if not self._is_copied(name) and (name not in self._reached or name in self._shared):
                self._keep(lockstep, name, layer.module, self._encoded(layer.number, self._shared.get(name)))
        used = self._numbers_of_tables() | {layer.number for layer in self._layers.values()}
        for number, planned in enumerate(self._planned):
            if number not in used and not planned.copied:
                self._encoded(number)

    def _numbers_of_tables(self) -> set[int]:
        return {number for number, _ in self._tables.values()}

    def _is_copied(self, name: str) -> bool:
        return bool(self._planned[self._layers[name].number].copied)

    def _encoded(
        self, number: int, second: Tensor | None = None, cross: Tensor | None = None, correction: float = 0.0
    ) -> np.ndarray:
        """The decoded matrix of a tensor, which an earlier run may have encoded."""
        matrix: np.ndarray = self._session.encode(
            number,
            None if second is None else second.numpy(),
            cross=cross.numpy() if cross is not None and correction > 0 else None,
            correction=correction,
        )
        return matrix

    def _keep(self, lockstep: Lockstep, name: str, module: nn.Module, decoded: np.ndarray) -> None:
        lockstep.coded[name] = torch.from_numpy(decoded).to(cast(Tensor, module.weight).dtype)

    def _change(self, forwards: Sequence[Forward]) -> dict[str, Any]:
        """The predicted and the measured change of the outputs, on the sequences that no layer was fitted to."""
        held = [forward for forward in forwards if forward.is_measured]
        original, coded = ([forward.outputs for forward in held if forward.coded == kind] for kind in (False, True))
        return {
            "metric": "1 - cos" if is_vector(original[0]) else "divergence",
            "predicted": self._predicted,
            "measured": mean_change(original, coded),
        }


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


def output_layer(model: nn.Module) -> nn.Module | None:
    """The layer that gives the logits of tokens."""
    found = getattr(model, "get_output_embeddings", lambda: None)()
    return found if isinstance(found, nn.Module) else None


def finite(moments: Tensor, layer: str) -> Tensor:
    if not torch.isfinite(moments).all():
        raise NoCalibration(f"{layer}: its inputs are not finite")
    return moments
