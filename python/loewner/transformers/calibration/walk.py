# SPDX-License-Identifier: Apache-2.0
"""Compression of a model whose linear layers are coded for the inputs that a calibration text gives them.

survey     forwards on a few thousand tokens: moments of each layer's inputs, and how much errors change the outputs
plan       bytes of each tensor
walk       forwards of the original and of the partly coded model side by side: each layer is coded when they reach it
finish     the output folder is written
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from loewner import _core
from loewner.transformers.calibration.effects import metric_of
from loewner.transformers.calibration.lockstep import Forward, Lockstep, Stop
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.sequences import model_inputs
from loewner.transformers.calibration.survey import (
    NOT_KEPT,
    Inputs,
    Layer,
    Layers,
    Progress,
    Survey,
    Surveyor,
    TableInputs,
    Tables,
    as_stored,
    finite,
    mean_change,
    moments_of_blocks,
    second_of,
    with_guesses,
)
from loewner.transformers.calibration.table_walk import keep_sensitivities, kept_sensitivities
from loewner.transformers.calibration.targets import best_correction

SURVEY_TOKENS = 8192
# Of the change that all errors together cause, what the corrections of later layers leave. Measured: .77 and .86 on
# all-MiniLM-L6-v2, .70 to 1.07 on classifiers (bench/experiments/table_predictions.py).
LEFT_BY_CORRECTIONS = 0.85
PLAN, CODE = _core.MomentsUse.plan, _core.MomentsUse.code


@dataclass(frozen=True)
class CodedInputs:
    """Moments of a layer's inputs in the partly coded model."""

    second: Tensor
    cross: Tensor | None
    correction: float
    tokens: int


class Walk:
    """One calibrated compression; see the top of this file."""

    surveyor: type[Surveyor] = Surveyor

    def __init__(
        self,
        session: Any,
        model: nn.Module,
        layers: Layers,
        tables: Tables,
        batches: Sequence[Tensor],
        held_out: Sequence[Tensor],
        text: str,
        keeps_moments: bool = False,
        progress: Progress | None = None,
        of_tables: TableInputs | None = None,
    ) -> None:
        """keeps_moments: in the session, which saves them and where a resumed run finds them."""
        self._session, self._model, self._layers, self._tables = session, model, layers, tables
        self._batches, self._held_out = list(batches), list(held_out)
        self._text, self._keeps_moments, self._of_tables = text, keeps_moments, of_tables
        self._progress = progress or (lambda _what, _share: None)
        self._planned: list[Any] = []
        self._survey = Survey()
        self._of_blocks: dict[str | None, Tensor] = {}
        self._predicted = 0.0

    def plan(self) -> None:
        """Divides the bytes among the tensors by the effect that their errors have on the outputs."""
        kept = self._session.kept_importance() if self._keeps_moments else None
        self._survey = self._new_survey() if kept is None else self._kept_survey(*kept)
        self._of_blocks = moments_of_blocks(self._survey, self._layers)
        effects = self._survey.effects
        self._planned = self._session.plan(with_guesses(effects, self._session.tensors))
        total = sum(effects[number] * (self._planned[number].error or 0.0) for number in sorted(effects))
        is_corrected = any(not layer.is_expert for layer in self._layers.values())
        self._predicted = LEFT_BY_CORRECTIONS * total if is_corrected else total

    def _new_survey(self) -> Survey:
        surveyor = self.surveyor(
            self._session, self._model, self._layers, self._tables, self._batches, self._progress, self._keep_surveyed
        )
        surveyor.of_tables = self._of_tables
        survey = surveyor.survey(SURVEY_TOKENS)
        if self._saves():
            keep_sensitivities(self._session, survey.sensitivities)
            record = {
                "measured": sorted(survey.effects),
                "repeated": sorted(self._layers[name].number for name in survey.repeated),
            }
            self._session.keep_importance(with_guesses(survey.effects, self._session.tensors), record)
        return survey

    def _saves(self) -> bool:
        return self._keeps_moments and not self._session.dry_run

    def _keep_surveyed(self, name: str, inputs: Inputs) -> None:
        if self._saves():
            number, owner = self._layers[name].number, self._layers[inputs.owner].number
            same_as = None if owner == number else owner
            self._session.keep_moments(number, PLAN, inputs.second.numpy(), tokens=inputs.tokens, same_as=same_as)

    def _kept_survey(self, importance: dict[int, float], record: dict[str, list[int]]) -> Survey:
        """The survey of an earlier run, without its forwards."""
        survey = Survey(effects={number: importance[number] for number in record["measured"]})
        survey.sensitivities = kept_sensitivities(self._session, self._numbers_of_tables())
        for number in self._numbers_of_tables():
            self._session.survey(number, second_of(survey.sensitivities, number))
        for name, layer in self._layers.items():
            kept = self._session.kept_moments(layer.number, PLAN)
            if kept is None:
                continue
            second = as_stored(torch.from_numpy(kept[0])) if self.surveyor.holds_moments else NOT_KEPT
            survey.inputs[name] = Inputs(second, kept[3], name)
            self._session.survey(layer.number, kept[0])
            if layer.number in record["repeated"]:
                survey.repeated.add(name)
        return survey

    def _lockstep(self, forwards: Sequence[Forward]) -> Lockstep:
        layers = {name: layer.module for name, layer in self._layers.items()}
        tables = {name: module for name, (_, module) in self._tables.items()}
        return Lockstep(self._model, layers, forwards, tables, self._coded_weights(), self._last())

    def _coded_weights(self) -> MutableMapping[str, Tensor]:
        return {}

    def _last(self) -> nn.Module | None:
        """Where forwards may end, if their outputs are not kept."""
        return None

    def _arguments(self, batch: Tensor) -> dict[str, Tensor]:
        return model_inputs(self._model, batch)

    def _moments(self) -> MomentsAtStops:
        return MomentsAtStops()

    def _drift(self, layer: Layer, moments: Moments) -> tuple[Tensor | None, float]:
        """Cross moments, and the share of the correction."""
        if layer.is_expert:  # the partly coded model may send it other tokens
            return None, 0.0
        return moments.robust_cross(), best_correction(layer.weight(), moments)

    def encode(self) -> dict[str, Any]:
        """Encodes all tensors; returns what the specification and the report say of the calibration."""
        batches = [(batch, False) for batch in self._batches] + [(batch, True) for batch in self._held_out]
        forwards = [
            Forward(self._arguments(batch), coded, held_out, is_measured=held_out or not self._held_out)
            for batch, held_out in batches
            for coded in (False, True)
        ]
        records: dict[str, Any] = {}
        with self._lockstep(forwards) as lockstep:
            self._encode_before_the_walk(lockstep)
            moments_at = self._moments()
            for stop in lockstep.stops():
                if stop.layer in lockstep.coded or self._is_copied(stop.layer) or not stop.fitting(coded=True):
                    continue
                layer = self._layers[stop.layer]
                self._progress(f"encoding {layer.name}", 0.3 + 0.6 * len(records) / len(self._layers))
                inputs = self._coded_inputs(layer, stop, moments_at)
                decoded = self._encoded(layer.number, inputs.second, inputs.cross, inputs.correction)
                self._keep(lockstep, stop.layer, layer.module, decoded)
                if decoded is None:
                    continue
                records[layer.name] = {"tokens": inputs.tokens, "correction": round(inputs.correction, 4)}
            self._encode_the_rest(lockstep)
        return {"tensors": records, "model": {"text": self._text, **self._change(forwards)}}

    def _coded_inputs(self, layer: Layer, stop: Stop, moments_at: MomentsAtStops) -> CodedInputs:
        is_done = self._session.tensors[layer.number].done
        kept = self._session.kept_moments(layer.number, CODE) if self._keeps_moments and is_done else None
        if kept is not None:
            second, cross, correction, tokens = kept
            return CodedInputs(
                torch.from_numpy(second), None if cross is None else torch.from_numpy(cross), correction, tokens
            )
        moments = moments_at.at(stop, side_by_side=True)
        second = as_stored(finite(moments.robust(self._of_blocks.get(layer.block)), layer.name))
        cross, correction = self._drift(layer, moments)
        inputs = CodedInputs(second, None if cross is None else as_stored(cross), correction, moments.tokens)
        if self._keeps_moments:
            owner = self._layers[moments_at.owner].number
            self._session.keep_moments(
                layer.number,
                CODE,
                inputs.second.numpy(),
                cross=None if inputs.cross is None else inputs.cross.numpy(),
                correction=inputs.correction,
                tokens=inputs.tokens,
                same_as=None if owner == layer.number else owner,
            )
        return inputs

    def _encode_before_the_walk(self, lockstep: Lockstep) -> None:
        """Tables, layers that no forward reaches, and layers that are called again and again."""
        for number in sorted(self._numbers_of_tables()):
            if not self._planned[number].copied:
                decoded = self._encoded_table(number)
                for name, (its_number, module) in self._tables.items():
                    if its_number == number:
                        self._keep(lockstep, name, module, decoded)
        for name in self._layers:
            if name not in self._survey.inputs or name in self._survey.repeated:
                self._encode_as_surveyed(lockstep, name)
        used = self._numbers_of_tables() | {layer.number for layer in self._layers.values()}
        for number, planned in enumerate(self._planned):
            if number not in used and not planned.copied:
                self._encoded(number)

    def _encode_the_rest(self, lockstep: Lockstep) -> None:
        """Layers that only forwards of the original or held-out sequences reach, such as experts."""
        for name in self._layers:
            if name not in lockstep.coded:
                self._encode_as_surveyed(lockstep, name)

    def _encode_as_surveyed(self, lockstep: Lockstep, name: str) -> None:
        if self._is_copied(name):
            return
        layer, inputs = self._layers[name], self._survey.inputs.get(name)
        second = inputs.second if inputs and len(inputs.second) else None
        self._keep(lockstep, name, layer.module, self._encoded(layer.number, second))

    def _numbers_of_tables(self) -> set[int]:
        return {number for number, _ in self._tables.values()}

    def _encoded_table(self, number: int) -> np.ndarray | None:
        sensitivity = self._survey.sensitivities.get(number)
        return self._encoded(number, None if sensitivity is None else sensitivity.second)

    def _is_copied(self, name: str) -> bool:
        return bool(self._planned[self._layers[name].number].copied)

    def _encoded(
        self, number: int, second: Tensor | None = None, cross: Tensor | None = None, correction: float = 0.0
    ) -> np.ndarray | None:
        """The decoded matrix of a tensor, which an earlier run may have encoded; None if no encoding meets its budget
        and it is copied."""
        matrix: np.ndarray | None = self._session.encode(
            number,
            None if second is None else second.numpy(),
            cross=cross.numpy() if cross is not None and correction > 0 else None,
            correction=correction,
        )
        return matrix

    @staticmethod
    def _keep(lockstep: Lockstep, name: str, module: nn.Module, decoded: np.ndarray | None) -> None:
        if decoded is None:
            return
        lockstep.coded[name] = torch.from_numpy(decoded).to(cast(Tensor, module.weight).dtype)

    def _change(self, forwards: Sequence[Forward]) -> dict[str, Any]:
        """The predicted and the measured change of the outputs, on the sequences that no layer was fitted to."""
        held = [forward for forward in forwards if forward.is_measured]
        original, coded = ([forward.outputs for forward in held if forward.coded == kind] for kind in (False, True))
        return {
            "metric": metric_of(original[0]),
            "predicted": self._predicted,
            "measured": mean_change(original, coded),
        }
