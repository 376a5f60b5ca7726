# SPDX-License-Identifier: Apache-2.0
"""Compression with calibration of a model that does not fit into memory.

The forwards are those of walk.py, on fewer tokens. Weights are read and decoded when the forwards reach their layer, so
that memory holds the hidden states of all batches and what one layer needs.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import torch
from torch import Tensor, nn

from loewner.transformers.calibration.large_survey import LargeSurveyor, few_logits, output_layer
from loewner.transformers.calibration.lean_moments import LeanMomentsAtStops, WideMoments
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.streamed_model import Recent
from loewner.transformers.calibration.survey import Layer
from loewner.transformers.calibration.targets import best_correction
from loewner.transformers.calibration.walk import Walk

LARGE_TOKENS = 4096  # of all batches
OUTPUTS = 256  # of a layer, that choose the correction


class LargeWalk(Walk):
    """A Walk over a StreamedModel."""

    surveyor = LargeSurveyor

    def __init__(self, recent: Recent, widest_drift: int, *arguments: Any) -> None:
        """widest_drift: layers with more inputs are not corrected for the errors of the layers before."""
        super().__init__(*arguments)
        self._recent, self._widest_drift = recent, widest_drift

    def _arguments(self, batch: Tensor) -> dict[str, Tensor]:
        return few_logits(self._model, batch)

    def _coded_weights(self) -> CodedWeights:
        numbers = {name: layer.number for name, layer in self._layers.items()}
        numbers |= {name: number for name, (number, _) in self._tables.items()}
        return CodedWeights(self._session, numbers, self._recent)

    def _last(self) -> nn.Module | None:
        return output_layer(self._model)

    def _moments(self) -> MomentsAtStops:
        return LeanMomentsAtStops(self._widest_drift)

    def _drift(self, layer: Layer, moments: Moments) -> tuple[Tensor | None, float]:
        if isinstance(moments, WideMoments):
            return None, 0.0
        weight = layer.weight()
        return moments.robust_cross(), best_correction(weight[:: max(1, len(weight) // OUTPUTS)], moments)


class CodedWeights(MutableMapping[str, Tensor]):
    """The decoded weights of a session's encodings. Only those that were used last are in memory."""

    def __init__(self, session: Any, numbers: dict[str, int], recent: Recent) -> None:
        """numbers: of the tensors, by module."""
        self._session, self._numbers, self._recent = session, numbers, recent
        self._coded: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._coded:
            raise KeyError(name)
        number = self._numbers[name]
        return self._recent.get(number, lambda: torch.from_numpy(self._session.decoded(number)))

    def __setitem__(self, name: str, weight: Tensor) -> None:
        """weight: what the session decodes."""
        self._coded.add(name)
        self._recent.get(self._numbers[name], lambda: weight)

    def __delitem__(self, name: str) -> None:
        self._coded.remove(name)

    def __contains__(self, name: object) -> bool:
        return name in self._coded

    def __iter__(self) -> Iterator[str]:
        return iter(self._coded)

    def __len__(self) -> int:
        return len(self._coded)
