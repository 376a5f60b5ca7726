# SPDX-License-Identifier: Apache-2.0
"""Compression with calibration of a model that does not fit into memory.

The forwards are those of walk.py, on fewer tokens. Weights are read and decoded when the forwards reach their layer, so
that memory holds the hidden states of all batches and what one layer needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, MutableMapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from loewner.transformers.calibration.lean_moments import LeanMomentsAtStops, WideMoments
from loewner.transformers.calibration.lockstep import Lockstep
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.streamed_model import Recent, StreamedModel
from loewner.transformers.calibration.targets import best_correction
from loewner.transformers.calibration.token_effects import TokenEffects
from loewner.transformers.calibration.walk import Layer, Survey, Walk

LARGE_TOKENS = 4096  # of all batches
EFFECT_TOKENS = 2048
OUTPUTS = 256  # of a layer, that choose the correction
MOST_LOGITS = 1 << 23  # of the tokens whose effects are measured


class LargeWalk(Walk):
    """A Walk over a StreamedModel."""

    effect_tokens = EFFECT_TOKENS

    def __init__(self, streamed: StreamedModel, recent: Recent, widest_drift: int, *arguments: Any) -> None:
        """widest_drift: layers with more inputs are not corrected for the errors of the layers before."""
        super().__init__(*arguments)
        self._streamed, self._recent, self._widest_drift = streamed, recent, widest_drift
        self._squares: dict[str, float] = {}

    def _coded_weights(self) -> CodedWeights:
        numbers = {name: layer.number for name, layer in self._layers.items()}
        numbers |= {name: number for name, (number, _) in self._tables.items()}
        return CodedWeights(self._session, numbers, self._recent)

    def _weight(self, name: str) -> Tensor:
        return self._layers[name].by_output(self._streamed.weight(name))

    def _inputs(self, batch: Tensor) -> dict[str, Tensor]:
        inputs = super()._inputs(batch)
        if "logits_to_keep" in inspect.signature(self._model.forward).parameters:
            rows = cast(Any, self._model).get_input_embeddings().weight.shape[0]
            share, length = MOST_LOGITS / (rows * self.effect_tokens), batch.shape[1]
            count = max(1, min(length, round(share * length)))
            inputs["logits_to_keep"] = torch.linspace(0, length - 1, count).round().long()
        return inputs

    def _moments(self) -> MomentsAtStops:
        return LeanMomentsAtStops(self._widest_drift)

    def _second(self, moments: Moments) -> Tensor:
        return moments.second() if isinstance(moments, WideMoments) else super()._second(moments)

    def _over_calls(self, survey: Survey, name: str, second: Tensor) -> Tensor:
        return second  # of the last call; no other is kept

    def _add(self, survey: Survey, layer: Layer, name: str, second: Tensor) -> None:
        self._squares[name] = float(self._weight(name).square().mean(dtype=torch.float64))
        self._session.survey(layer.number, second.numpy())
        survey.roots[name] = torch.empty(0)

    def _effects(self, survey: Survey) -> dict[str, float]:
        layers = {name: layer.module for name, layer in self._layers.items() if name in survey.roots}
        effects, few = TokenEffects(self._model, layers, self._squares), self._few(self.effect_tokens)
        for done, batch in enumerate(few):
            self._progress("effect of each layer on the outputs", 0.15 + 0.1 * done / len(few))
            effects.add(self._inputs(batch), self._generator)
        self._recent.clear()
        return {name: mean for name, mean in effects.means().items() if mean > 0}

    def _correction(self, name: str, moments: Moments) -> float:
        if isinstance(moments, WideMoments):
            return 0.0
        weight = self._weight(name)
        return best_correction(weight[:: max(1, len(weight) // OUTPUTS)], moments)

    def _keep(self, lockstep: Lockstep, name: str, module: nn.Module, decoded: np.ndarray) -> None:
        cast(CodedWeights, lockstep.coded).keep(name, torch.from_numpy(decoded))


class CodedWeights(MutableMapping[str, Tensor]):
    """The decoded weights of a session's encodings. Only those that were used last are in memory."""

    def __init__(self, session: Any, numbers: dict[str, int], recent: Recent) -> None:
        """numbers: of the tensors, by module."""
        self._session, self._numbers, self._recent = session, numbers, recent
        self._given: dict[str, Tensor] = {}  # trials
        self._coded: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        if name not in self._coded:
            return self._given[name]
        number = self._numbers[name]
        return self._recent.get(number, lambda: torch.from_numpy(self._session.decoded(number)))

    def __setitem__(self, name: str, weight: Tensor) -> None:
        self._given[name] = weight

    def keep(self, name: str, weight: Tensor) -> None:
        """A weight that the session has encoded."""
        self._coded.add(name)
        self._recent.get(self._numbers[name], lambda: weight)

    def __contains__(self, name: object) -> bool:
        return name in self._coded or name in self._given

    def __delitem__(self, name: str) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        return iter({*self._coded, *self._given})

    def __len__(self) -> int:
        return len({*self._coded, *self._given})
