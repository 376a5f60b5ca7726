# SPDX-License-Identifier: Apache-2.0
"""The survey of survey.py for a model that does not fit into memory: no second moment is kept."""

from __future__ import annotations

import inspect
from typing import Any, cast

import torch
from torch import Tensor, nn

from loewner.transformers.calibration.lean_moments import LeanMomentsAtStops
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.sequences import model_inputs
from loewner.transformers.calibration.survey import NOT_KEPT, Inputs, Survey, Surveyor, as_stored, finite
from loewner.transformers.calibration.token_effects import TokenEffects

EFFECT_TOKENS = 2048
MOST_LOGITS = 1 << 23  # of the tokens whose effects are measured


class LargeSurveyor(Surveyor):
    """A Surveyor of a StreamedModel."""

    effect_tokens = EFFECT_TOKENS
    holds_moments = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._squares: dict[str, float] = {}  # the mean square of the entries of each weight

    def _arguments(self, batch: Tensor) -> dict[str, Tensor]:
        return few_logits(self._model, batch)

    def _moments(self) -> MomentsAtStops:
        return LeanMomentsAtStops(widest=0)

    def _last(self) -> nn.Module | None:
        return output_layer(self._model)

    def _add(self, survey: Survey, name: str, moments: Moments, owner: str) -> None:
        if name in survey.inputs:  # the first call stands for all of a layer that is called again and again
            return
        layer = self._layers[name]
        second = as_stored(finite(moments.robust(), layer.name))
        if not second.diagonal().max() > 0:
            return
        self._squares[name] = float(layer.weight().square().mean(dtype=torch.float64))
        self._session.survey(layer.number, second.numpy())
        self._keep(name, Inputs(second, moments.tokens, owner))
        survey.inputs[name] = Inputs(NOT_KEPT, moments.tokens, owner)

    def _effects(self, survey: Survey) -> dict[int, float]:
        layers = {name: self._layers[name].module for name in survey.inputs}
        effects, few = TokenEffects(self._model, layers, self._squares), self._few(self.effect_tokens)
        for done, batch in enumerate(few):
            self._progress("effect of each layer on the outputs", 0.15 + 0.1 * done / len(few))
            effects.add(self._arguments(batch), self._generator)
        return {self._layers[name].number: mean for name, mean in effects.means().items() if mean > 0}

    def _outputs(self, number: int | None = None, trial: Tensor | None = None) -> list[Any]:
        forwards = [Forward(self._arguments(batch), coded=True) for batch in self._few(self.effect_tokens)]
        layers = {name: layer.module for name, layer in self._layers.items()}
        tables = {name: module for name, (_, module) in self._tables.items()}
        coded = {name: cast(Tensor, trial) for name, (its_number, _) in self._tables.items() if its_number == number}
        with Lockstep(self._model, layers, forwards, tables, coded) as lockstep:
            for _ in lockstep.stops():
                pass
        return [forward.outputs for forward in forwards]


def few_logits(model: Any, batch: Tensor) -> dict[str, Tensor]:
    """The arguments of a forward that computes logits at some of the tokens only, if the model allows it."""
    inputs = model_inputs(model, batch)
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        rows, length = model.get_input_embeddings().weight.shape[0], batch.shape[1]
        count = max(1, min(length, round(MOST_LOGITS / (rows * EFFECT_TOKENS) * length)))
        inputs["logits_to_keep"] = torch.linspace(0, length - 1, count).round().long()
    return inputs


def output_layer(model: nn.Module) -> nn.Module | None:
    """The layer that gives the logits of tokens."""
    found = getattr(model, "get_output_embeddings", lambda: None)()
    return found if isinstance(found, nn.Module) else None
