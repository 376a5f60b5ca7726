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
from loewner.transformers.calibration.effort import EffortOfTables
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.moments import Moments, MomentsAtStops
from loewner.transformers.calibration.sensitivities import Sensitivity, sensitivities_of
from loewner.transformers.calibration.sequences import NoCalibration, model_inputs
from loewner.transformers.calibration.targets import damped

EFFECT_TOKENS = 3072
NOT_KEPT = torch.empty(0)
_ROWS_AT_ONCE = 256
Progress = Callable[[str, float], None]


@dataclass
class Layer:
    """A linear layer that the session encodes."""

    number: int  # of the tensor in the session
    name: str  # of the tensor
    module: nn.Module
    inputs: str  # side of the stored matrix: "cols" or "rows"
    read: Callable[[], Tensor] | None = None  # the weight of a module that does not hold it
    is_expert: bool = False
    block: str | None = None  # of an expert whose inputs are those of the whole block: the name of the block

    def weight(self) -> Tensor:
        """Outputs x inputs."""
        weight = cast(Tensor, self.module.weight).detach().float() if self.read is None else self.read()
        return weight if self.inputs == "cols" else weight.T


Layers = dict[str, Layer]  # by the name of the module
Tables = dict[str, tuple[int, nn.Module]]  # number of the tensor, and the module, by its name


@dataclass(frozen=True)
class Inputs:
    """Moments of the inputs of a layer in the original model."""

    second: Tensor  # float32, as moments files store them; empty if they are not kept
    tokens: int
    owner: str  # the first layer with these inputs


@dataclass(frozen=True)
class TableInputs:
    """What the sensitivities of tables take beside a text."""

    effort: EffortOfTables
    drawn: Sequence[Tensor] = ()  # batches of random sequences
    weights: dict[int, Tensor] = field(default_factory=dict)  # of the rows, by number; equal ones where there are none


@dataclass
class Survey:
    """The layers that the forwards reach."""

    inputs: dict[str, Inputs] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)  # layers that the model calls again and again, as ALBERT does
    effects: dict[int, float] = field(
        default_factory=dict
    )  # of a relative squared error of each tensor, where measured
    sensitivities: dict[int, Sensitivity] = field(default_factory=dict)  # of tables, where they help


class Surveyor:
    """Runs the model for a survey."""

    effect_tokens = EFFECT_TOKENS
    holds_moments = True  # of all layers at the end of a survey

    def __init__(
        self,
        session: Any,
        model: nn.Module,
        layers: Layers,
        tables: Tables,
        batches: Sequence[Tensor],
        progress: Progress,
        keep: Callable[[str, Inputs], None] = lambda _name, _inputs: None,
    ) -> None:
        """keep: is given the inputs of each layer."""
        self._session, self._model, self._layers, self._tables = session, model, layers, tables
        self._batches, self._progress, self._keep = batches, progress, keep
        self._generator = torch.Generator().manual_seed(0)
        self.of_tables: TableInputs | None = None  # None: sensitivities are not measured

    def survey(self, tokens: int | None = None) -> Survey:
        """Moments of about this many tokens, by default of all, and the effects. Surveys the tensors in the session.

        Raises NoCalibration if the forwards reach no layer.
        """
        survey = self._inputs(self._batches if tokens is None else self._few(tokens))
        if not survey.inputs:
            raise NoCalibration("the forwards reach no selected linear layer")
        for name, inputs in survey.inputs.items() if self.holds_moments else ():
            self._keep(name, inputs)
        survey.sensitivities = self.sensitivities(0.15, 0.05)
        survey.effects = self._effects(survey) | self._effects_of_tables(survey.sensitivities)
        return survey

    def sensitivities(self, start: float, length: float) -> dict[int, Sensitivity]:
        """Those of the tables, where they help. start, length: of the work, for the progress."""
        if not self._tables or self.of_tables is None:
            return {}
        batches = [*self._few(self.of_tables.effort.tokens), *self.of_tables.drawn]
        return sensitivities_of(
            self._model,
            self._tables,
            batches,
            self.of_tables.weights,
            lambda share: self._progress("sensitivities of the tables' channels", start + length * share),
            directions=self.of_tables.effort.directions,
            side_by_side=self.of_tables.effort.side_by_side,
        )

    def _few(self, tokens: int) -> list[Tensor]:
        """A part of every batch, with about this many tokens together."""
        share = min(1.0, tokens / sum(batch.numel() for batch in self._batches))
        return [batch[: max(1, round(share * len(batch)))] for batch in self._batches]

    def _arguments(self, batch: Tensor) -> dict[str, Tensor]:
        return model_inputs(self._model, batch)

    def _moments(self) -> MomentsAtStops:
        return MomentsAtStops()

    def _last(self) -> nn.Module | None:
        """Where forwards may end, since their outputs are not kept."""
        return None

    def _inputs(self, batches: Sequence[Tensor]) -> Survey:
        survey, moments_at = Survey(), self._moments()
        modules = {name: layer.module for name, layer in self._layers.items()}
        forwards = [Forward(self._arguments(batch), is_measured=False) for batch in batches]
        with Lockstep(self._model, modules, forwards, {}, last=self._last()) as walk:
            for stop in walk.stops():
                name = self._layers[stop.layer].name
                self._progress(f"survey of {name}", 0.15 * len(survey.inputs) / len(self._layers))
                self._add(survey, stop.layer, moments_at.at(stop, side_by_side=False), moments_at.owner)
        self._add_experts_without_tokens(survey)
        return survey

    def _add(self, survey: Survey, name: str, moments: Moments, owner: str) -> None:
        second = finite(moments.robust(), self._layers[name].name)
        before = survey.inputs.get(name)
        if before is not None:  # the mean over the calls
            survey.repeated.add(name)
            second = (before.second + second) / 2
        if second.diagonal().max() > 0:
            survey.inputs[name] = Inputs(as_stored(second), moments.tokens, owner)

    def _add_experts_without_tokens(self, survey: Survey) -> None:
        """Their inputs may be those of the other experts."""
        of_blocks = moments_of_blocks(survey, self._layers)
        for name, layer in self._layers.items():
            if name not in survey.inputs and layer.block in of_blocks:
                survey.inputs[name] = Inputs(as_stored(of_blocks[layer.block]), 0, name)

    def _effects(self, survey: Survey) -> dict[int, float]:
        """The effect of each layer's relative squared output error, where it is not zero."""
        roots, energies, few = {}, {}, self._few(self.effect_tokens)
        for name, inputs in survey.inputs.items():
            root = torch.linalg.cholesky(damped(inputs.second.double())).float()
            self._session.survey(self._layers[name].number, inputs.second.numpy())
            roots[name] = root
            energies[name] = float((self._layers[name].weight() @ root).double().square().mean())
        effects = Effects(self._model, {name: self._layers[name].module for name in roots}, roots, energies)
        for done, batch in enumerate(few):
            self._progress("effect of each layer on the outputs", 0.2 + 0.05 * done / len(few))
            effects.add(self._arguments(batch), self._generator)
        return {self._layers[name].number: mean for name, mean in effects.means().items() if mean > 0}

    def _effects_of_tables(self, sensitivities: dict[int, Sensitivity]) -> dict[int, float]:
        """The effect of each table's relative squared error, measured with the table coded at a middle size."""
        effects: dict[int, float] = {}
        before = self._outputs()
        for number in dict.fromkeys(number for number, _ in self._tables.values()):
            second = second_of(sensitivities, number)
            self._session.survey(number, second)
            bytes_and_errors = self._session.candidates(number)
            if not bytes_and_errors:
                continue
            size, error = middle(bytes_and_errors)
            after = self._outputs(number, torch.from_numpy(self._session.trial(number, size, second)[0]))
            effects[number] = max(mean_change(before, after), 1e-12) / error
        return effects

    def _outputs(self, number: int | None = None, trial: Tensor | None = None) -> list[Any]:
        """The outputs on a few tokens, with `trial` in place of the table with this number."""
        modules = [module for its_number, module in self._tables.values() if its_number == number]
        originals = [cast(nn.Parameter, module.weight).data for module in modules]
        with torch.no_grad():
            for module, original in zip(modules, originals, strict=True):
                cast(nn.Parameter, module.weight).data = cast(Tensor, trial).to(original.dtype)
            outputs = [self._model(**self._arguments(batch)) for batch in self._few(self.effect_tokens)]
            for module, original in zip(modules, originals, strict=True):
                cast(nn.Parameter, module.weight).data = original
        return outputs


def moments_of_blocks(survey: Survey, layers: Layers) -> dict[str | None, Tensor]:
    """Moments of the inputs that the experts of a block share, by the name of the block."""
    sums: dict[str | None, Tensor] = {}
    tokens: dict[str | None, int] = {}
    for name, layer in layers.items():
        inputs = survey.inputs.get(name)
        if inputs is not None and layer.block is not None and inputs.tokens > 0 and len(inputs.second):
            sums[layer.block] = sums.get(layer.block, 0) + inputs.tokens * inputs.second.double()
            tokens[layer.block] = tokens.get(layer.block, 0) + inputs.tokens
    return {block: second / tokens[block] for block, second in sums.items()}


def second_of(sensitivities: dict[int, Sensitivity], number: int) -> Any:
    """The matrix that a session takes; None for a table whose channels count alike."""
    return sensitivities[number].second.numpy() if number in sensitivities else None


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
    """Bytes and error of the candidate whose error is nearest to 0.1: about two bits an entry.

    A trial at some bytes takes the best candidate of at most these bytes, so a candidate counts only if no smaller one
    has its error or a lower one.
    """
    best: list[tuple[int, float]] = []
    for size, error in sorted(candidates):
        if error > 0 and (not best or error < best[-1][1]):
            best.append((size, error))
    return min(best, key=lambda c: abs(math.log(c[1] / 0.1)))


def finite(moments: Tensor, layer: str) -> Tensor:
    if not all(torch.isfinite(rows).all() for rows in torch.split(moments, _ROWS_AT_ONCE)):
        raise NoCalibration(f"{layer}: its inputs are not finite")
    return moments


def as_stored(moments: Tensor) -> Tensor:
    """In float32, as moments files store them: `compress --moments` then encodes with the same numbers."""
    return moments.float()
