# SPDX-License-Identifier: Apache-2.0
"""`refit`: fits factors of a compressed model to outputs of the original layers on a few tokens of a text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from torch import nn
from transformers import PreTrainedModel

import loewner
from loewner._choices import choice
from loewner._core import IfExists, store_refit
from loewner._reports import CompressReport, RefittedFactor
from loewner.regression import LabelImportance
from loewner.transformers.checkpoint_names import saved_names
from loewner.transformers.factor_fit import Problem, Sampling, layer_problem, solve, table_problem
from loewner.transformers.modules import EncodedMatrix, encoded_modules
from loewner.transformers.text_outputs import Text
from loewner.transformers.torch_state import usual_torch_state


@usual_torch_state()
def refit(
    output: str | os.PathLike[str],
    model: str | os.PathLike[str],
    target: str | os.PathLike[str],
    text: Sequence[str],
    *,
    rows: int,
    norm_exponent: float = 2.0,
    importance: LabelImportance | str = "lewis",
    seed: int = 0,
    if_exists: IfExists | str = "refuse",
    row_weights: str | os.PathLike[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> CompressReport:
    """Fit one factor of every factored layer to outputs of the original layer on a few tokens.

    Parameters
    ----------
    output : str or os.PathLike
        Folder that `loewner.compress` wrote, with layers stored in two factors (methods "svd" and "lp").
    model : str or os.PathLike
        The original model folder.
    target : str or os.PathLike
        Folder to write.
    text : sequence of str
        Lines of text. Only the first 128 tokens of each line are used.
    rows : int
        Tokens for each layer whose original outputs are used, at least 2. More tokens give a better fit. A linear layer
        needs several times its rank.
    norm_exponent : float, default 2.0
        p of the error |.|_p^p of the outputs: 1 is robust to outliers, 4 emphasizes the largest errors.
    importance : str or LabelImportance, default "lewis"
        How tokens are chosen.
    seed : int, default 0
        Random seed of the choice of tokens.
    if_exists : {"refuse", "overwrite"}, default "refuse"
        What to do if the target exists.
    row_weights : str or os.PathLike, optional
        The file of token counts, if the model was compressed with one. The path that the output states is not opened.
    progress : callable, optional
        Called as ``progress(layer, share)`` with the share done in [0, 1].

    Returns
    -------
    CompressReport
        The fitted tensors; field `refit` of each says how it was fitted.

    Raises
    ------
    ValueError
        If no layer is stored in two factors, the text is empty, or an option is out of range.
    IoError
        If a file cannot be read or written, or the target exists.

    Notes
    -----
    The factor of an embedding table is fitted to the original rows, weighted by token frequency. The factor of a linear
    layer is fitted to the original layer's outputs, given the inputs that the layer gets in the compressed model.
    Layers are fitted in their order, so each fit compensates errors of earlier layers. The correction is shrunk towards
    zero by an amount estimated from the chosen tokens [1]_.

    The cost is two forward passes of the text up to each layer, and one regression for each layer.

    References
    ----------
    .. [1] docs/methods/refit.md

    Examples
    --------
    >>> from loewner.transformers.refit import refit
    >>> lines = open("lines.txt").read().splitlines()  # doctest: +SKIP
    >>> report = refit("RANKED", "MODEL", "REFITTED", lines, rows=256)  # doctest: +SKIP
    """
    lines = [line for line in text if line.strip()]
    if not lines:
        raise ValueError("refit: text must have at least one line that is not empty")
    if rows < 2:
        raise ValueError(f"refit: rows must be at least 2, got {rows}")
    sampling = Sampling(rows, norm_exponent, choice(LabelImportance, importance, "refit: importance"), seed)
    exists = choice(IfExists, if_exists, "refit: if_exists")
    config = transformers.AutoConfig.from_pretrained(model)
    model_class = _model_class(config)
    student = loewner.load(output, memory="dense", model_class=model_class).eval()
    teacher = model_class.from_pretrained(model).eval()
    layers = list(_factored_layers(student))
    if not layers:
        raise ValueError(f"refit: {output}: no layer is stored in two factors")
    read = Text(lines, Path(model))
    fitted: dict[str, RefittedFactor] = {}
    for number, (path, module) in enumerate(layers):
        if progress:
            progress(path, number / len(layers))
        original = teacher.get_submodule(path)
        if isinstance(module, nn.Embedding):
            problem: Problem | None = table_problem(module, original, read)
        else:
            problem = layer_problem(module, original, read, (student, teacher))
        if problem is not None:
            fitted[path] = solve(problem, sampling)
    if progress:
        progress("writing", 1.0)
    return _store(Path(output), Path(model), Path(target), student, fitted, exists, row_weights)


def _model_class(config: Any) -> Any:
    names = getattr(config, "architectures", None) or []
    return next((getattr(transformers, name) for name in names if hasattr(transformers, name)), transformers.AutoModel)


def _factored_layers(model: PreTrainedModel) -> Iterator[tuple[str, EncodedMatrix]]:
    """Modules in two factors; only the first of modules that share their factors."""
    seen = set()
    for path, module in encoded_modules(model):
        if module.two_factors is None:
            continue
        first = id(getattr(module, module.two_factors[0]))
        if first not in seen:
            seen.add(first)
            yield path, module


def _store(
    output: Path,
    model: Path,
    target: Path,
    student: PreTrainedModel,
    fitted: dict[str, RefittedFactor],
    if_exists: IfExists,
    row_weights: str | os.PathLike[str] | None,
) -> CompressReport:
    names = saved_names(student, [f"{path}.{fit.factor}" for path, fit in fitted.items()])
    factors = []
    for path, fit in fitted.items():
        parameter = f"{path}.{fit.factor}"
        values = student.get_parameter(parameter).detach().float().contiguous().numpy()
        factors.append((names[parameter].rpartition(".")[0] + ".weight", fit.factor, values, fit.to_dict()))
    report = CompressReport.from_dict(store_refit(output, model, target, factors, if_exists, row_weights))
    tensors = (replace(tensor, refit=fit) for tensor, fit in zip(report.tensors, fitted.values(), strict=True))
    return replace(report, tensors=tuple(tensors))
