# SPDX-License-Identifier: Apache-2.0
"""Compression of a model's tables alone, each in the metric that a calibration text gives its channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from loewner import _core
from loewner.transformers.calibration.effects import metric_of
from loewner.transformers.calibration.sensitivities import Sensitivity
from loewner.transformers.calibration.sequences import model_inputs
from loewner.transformers.calibration.survey import Progress, Surveyor, TableInputs, Tables, mean_change, second_of

PLAN = _core.MomentsUse.plan


def keep_sensitivities(session: Any, sensitivities: dict[int, Sensitivity]) -> None:
    for number, sensitivity in sensitivities.items():
        session.keep_moments(number, PLAN, sensitivity.second.numpy(), tokens=sensitivity.tokens)


def kept_sensitivities(session: Any, numbers: Iterable[int]) -> dict[int, Sensitivity]:
    """Those of an earlier run."""
    found = {number: session.kept_moments(number, PLAN) for number in numbers}
    return {
        number: Sensitivity(torch.from_numpy(kept[0]), kept[3]) for number, kept in found.items() if kept is not None
    }


class TableWalk:
    """One calibrated compression of tables: the steps of walk.Walk, without layers."""

    def __init__(
        self,
        session: Any,
        model: nn.Module,
        tables: Tables,
        batches: Sequence[Tensor],
        held_out: Sequence[Tensor],
        text: str,
        keeps_moments: bool,
        progress: Progress | None,
        of_tables: TableInputs,
    ) -> None:
        """As for walk.Walk."""
        self._session, self._model, self._tables, self._held_out = session, model, tables, held_out
        self._text, self._keeps_moments = text, keeps_moments
        self._progress = progress or (lambda _what, _share: None)
        self._surveyor = Surveyor(session, model, {}, tables, batches, self._progress)
        self._surveyor.of_tables = of_tables
        self._sensitivities: dict[int, Sensitivity] = {}
        self._planned: list[Any] = []

    def plan(self) -> None:
        """Surveys the tables and divides the bytes among all tensors of the session."""
        kept = self._session.kept_importance() if self._keeps_moments else None
        if kept is None:
            self._sensitivities = self._surveyor.sensitivities(0.0, 0.5)
            if self._keeps_moments and not self._session.dry_run:
                keep_sensitivities(self._session, self._sensitivities)
                self._session.keep_importance({}, {})  # tells a resumed run that the survey is complete
        else:
            self._sensitivities = kept_sensitivities(self._session, range(len(self._session.tensors)))
        for number in self._sensitivities:
            self._session.survey(number, second_of(self._sensitivities, number))
        self._planned = self._session.plan()

    def encode(self) -> dict[str, Any]:
        """Encodes all tensors; returns what the specification and the report say of the calibration."""
        records: dict[str, Any] = {}
        decoded: dict[int, Any] = {}
        for number, tensor in enumerate(self._session.tensors):
            if self._planned[number].copied:
                continue
            self._progress(f"encoding {tensor.name}", 0.6 + 0.3 * number / len(self._session.tensors))
            matrix = self._session.encode(number, second_of(self._sensitivities, number))
            if matrix is None:
                continue
            decoded[number] = matrix
            if number in self._sensitivities:
                records[tensor.name] = {"tokens": self._sensitivities[number].tokens}
        model = {"text": self._text, **self._change(decoded)} if records else None
        return {"tensors": records or None, "model": model}

    def _change(self, decoded: dict[int, Any]) -> dict[str, Any]:
        """The measured change of the outputs, on sequences that gave no sensitivities."""
        batches = [model_inputs(self._model, batch) for batch in self._held_out]
        originals: dict[nn.Module, Tensor] = {}
        with torch.no_grad():
            before = [self._model(**batch) for batch in batches]
            for number, module in self._tables.values():
                if number in decoded and module not in originals:
                    weight = cast(nn.Parameter, module.weight)
                    originals[module] = weight.data
                    weight.data = torch.from_numpy(decoded[number]).to(weight.dtype)
            after = [self._model(**batch) for batch in batches]
        for module, data in originals.items():
            cast(nn.Parameter, module.weight).data = data
        return {"metric": metric_of(before[0]), "measured": mean_change(before, after)}
