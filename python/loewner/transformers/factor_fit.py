# SPDX-License-Identifier: Apache-2.0
"""The regression that fits one factor of a layer W = L R to outputs of the original layer.

The factor next to the layer's inputs is fixed. Its product with the inputs is the design matrix. The compressed model
gives it for every token. The targets are outputs of the original layer minus outputs of the compressed layer. They are
computed only for tokens chosen by the Lewis weights of the design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from loewner._reports import RefittedFactor
from loewner.norms import lewis_weights
from loewner.regression import LabelImportance, plan_labels, shrunk_regression
from loewner.transformers.modules import EncodedMatrix
from loewner.transformers.text_outputs import Text


@dataclass
class Problem:
    """min over X of sum_i u_i |design_i X - targets_i|_p^p."""

    factor: str  # name of the array to fit
    design: np.ndarray  # n x k, float32
    weights: np.ndarray  # u, n
    targets: Callable[[np.ndarray], np.ndarray]  # targets of chosen rows: chosen x t
    add: Callable[[np.ndarray], None]  # adds X (k x t) to the factor


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen, and the error to minimize."""

    rows: int
    norm_exponent: float
    importance: LabelImportance
    seed: int


@dataclass(frozen=True)
class _Factors:
    """The factors of W = L R, and their values in double."""

    module: EncodedMatrix

    @property
    def names(self) -> tuple[str, str]:
        assert self.module.two_factors is not None
        return self.module.two_factors

    def parameter(self, side: int) -> nn.Parameter:
        return cast(nn.Parameter, getattr(self.module, self.names[side]))

    def values(self) -> tuple[np.ndarray, np.ndarray]:
        return _double(self.parameter(0)), _double(self.parameter(1))


def _double(array: Tensor) -> np.ndarray:
    return array.detach().double().numpy()


def _add_to(parameter: nn.Parameter, change: np.ndarray) -> None:
    with torch.no_grad():
        parameter.add_(torch.from_numpy(np.ascontiguousarray(change)).to(parameter.dtype))


def table_problem(module: EncodedMatrix, original: nn.Module, text: Text) -> Problem:
    """W[ids] = L[ids] R for an embedding table: L is fixed, and each row has the frequency of its token as weight."""
    factors = _Factors(module)
    ids, counts = np.unique(text.ids, return_counts=True)
    left, right = factors.values()
    rows = _double(cast(Tensor, original.weight))
    return Problem(
        factors.names[1],
        left[ids].astype(np.float32),
        counts.astype(np.float64),
        lambda chosen: rows[ids[chosen]] - left[ids[chosen]] @ right,
        lambda x: _add_to(factors.parameter(1), x),
    )


def layer_problem(
    module: EncodedMatrix, original: nn.Module, text: Text, models: tuple[PreTrainedModel, PreTrainedModel]
) -> Problem | None:
    """y = (x R^T) L^T for a linear layer, y = (x L) R for a Conv1D: the factor next to the inputs is fixed.

    `models` are the compressed and the original one. None if a model never calls the layer.
    """
    inputs = text.inputs_of(module, models[0])
    outputs = text.outputs_of(original, models[1])
    if inputs is None or outputs is None:
        return None
    factors = _Factors(module)
    left, right = factors.values()
    transposed = isinstance(module, Conv1D)
    design = inputs @ (left if transposed else right.T).astype(np.float32)
    second = right if transposed else left.T
    bias = cast("Tensor | None", original.bias)
    shift = 0.0 if bias is None else _double(bias)
    fitted = factors.parameter(1 if transposed else 0)
    return Problem(
        factors.names[1 if transposed else 0],
        design,
        np.ones(len(design)),
        lambda chosen: outputs[chosen] - shift - design[chosen].astype(np.float64) @ second,
        lambda x: _add_to(fitted, x if transposed else x.T),
    )


def solve(problem: Problem, sampling: Sampling) -> RefittedFactor:
    """Choose tokens, fit the correction X with shrinkage, and add it to the factor."""
    p, seed = sampling.norm_exponent, sampling.seed
    scaled = problem.design * (problem.weights ** (1 / p))[:, None].astype(np.float32)
    plan = plan_labels(scaled, norm_exponent=p, budget=sampling.rows, importance=sampling.importance, seed=seed)
    metric = lewis_weights(problem.design, norm_exponent=p, row_weights=problem.weights).q
    fit = shrunk_regression(
        problem.design[plan.rows].astype(np.float64),
        np.ascontiguousarray(problem.targets(plan.rows)),
        metric,
        norm_exponent=p,
        row_weights=problem.weights[plan.rows],
        probabilities=plan.probabilities,
        seed=seed,
    )
    problem.add(fit.x)
    shrinkage = fit.shrinkage if np.isfinite(fit.shrinkage) else None
    return RefittedFactor(problem.factor, p, len(problem.design), len(plan.rows), shrinkage, float(fit.estimated_ratio))
