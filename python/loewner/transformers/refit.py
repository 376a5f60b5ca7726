# SPDX-License-Identifier: Apache-2.0
"""Factors fitted anew to the outputs of the original layers on a few chosen tokens of a text.

Of a layer in two factors one stays; its product with the layer's inputs is the design of a regression, known for every
token of the text at the cost of the small model. Its targets, what the original layer puts out, are looked up for a few
tokens only: those that the Lewis weights of the design choose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers import AutoTokenizer, BatchEncoding, PreTrainedModel
from transformers.pytorch_utils import Conv1D

import loewner
from loewner._core import IfExists, store_refit
from loewner.regression import LabelImportance
from loewner.transformers.checkpoint_names import saved_names
from loewner.transformers.quantizer import encoded_modules
from loewner.transformers.structures import LowRank

MAX_LENGTH = 128  # tokens of a line of the text that are looked at
MAX_TOKENS = 65_536  # of a layer's design; a longer text is cut
BATCH = 32


@dataclass(frozen=True)
class RefittedLayer:
    """What was done to one layer; the record that its specification keeps."""

    factor: str  # "left" or "right"
    norm_exponent: float
    tokens: int  # of which the layer's inputs are known: distinct ones of a table, places in the text of other layers
    chosen: int  # of which the original's outputs were looked up
    shrinkage: float | None  # of the correction towards none; None where no correction would help
    estimated_ratio: float  # of the outputs' error |.|_p^p on all the tokens, after : before


@dataclass
class Problem:
    """min over X of sum_i u_i |design_i X - targets_i|_p^p; targets are looked up by row."""

    factor: str
    design: np.ndarray  # n x k, float32
    weights: np.ndarray  # n
    targets: Callable[[np.ndarray], np.ndarray]  # of chosen rows: chosen x t
    add: Callable[[np.ndarray], None]  # puts X (k x t) on top of the factor


class _Captured(Exception):
    """Ends a forward pass at the layer that was waited for."""


class Text:
    """The text in batches of like length."""

    def __init__(self, lines: Sequence[str], folder: Path) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        encoded = tokenizer(list(lines), truncation=True, max_length=MAX_LENGTH)["input_ids"]
        self.ids = np.concatenate([np.asarray(ids, np.int64) for ids in encoded])
        within = np.cumsum([len(ids) for ids in encoded]) <= MAX_TOKENS
        order = sorted(np.flatnonzero(within), key=lambda i: len(encoded[i]))
        self.batches: list[BatchEncoding] = [
            tokenizer.pad({"input_ids": [encoded[i] for i in order[start : start + BATCH]]}, return_tensors="pt")
            for start in range(0, len(order), BATCH)
        ]

    @torch.inference_mode()
    def seen(self, model: PreTrainedModel, module: nn.Module, *, outputs: bool) -> np.ndarray | None:
        """What goes into a module, or comes out of it, by token; None when the model never calls it."""
        found: list[Tensor] = []

        def hook(_: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
            found.append(output if outputs else arguments[0])
            raise _Captured

        handle = module.register_forward_hook(hook)
        rows = []
        try:
            for batch in self.batches:
                if not self._reaches(model, batch):
                    return None
                rows.append(_by_token(found.pop(), batch["attention_mask"].bool()))
        finally:
            handle.remove()
        return torch.cat(rows).float().numpy()

    @staticmethod
    def _reaches(model: PreTrainedModel, batch: BatchEncoding) -> bool:
        decoder = {"decoder_input_ids": batch["input_ids"]} if model.config.is_encoder_decoder else {}
        try:
            model(**batch, **decoder)
        except _Captured:
            return True
        return False


def _by_token(values: Tensor, mask: Tensor) -> Tensor:
    return values[mask] if values.shape[:2] == mask.shape else values.reshape(-1, values.shape[-1])


def _double(array: Tensor) -> np.ndarray:
    return array.detach().double().numpy()


def _add_to(parameter: nn.Parameter, change: np.ndarray) -> None:
    with torch.no_grad():
        parameter.add_(torch.from_numpy(np.ascontiguousarray(change)).to(parameter.dtype))


def _table_problem(module: LowRank, original: nn.Module, text: Text) -> Problem:
    """W[ids] = left[ids] right: the rows of left stay, each counts as often as its token occurs."""
    ids, counts = np.unique(text.ids, return_counts=True)
    left, right = _double(module.left), _double(module.right)
    rows = _double(cast(Tensor, original.weight))
    return Problem(
        "right",
        left[ids].astype(np.float32),
        counts.astype(np.float64),
        lambda chosen: rows[ids[chosen]] - left[ids[chosen]] @ right,
        lambda x: _add_to(module.right, x),
    )


def _layer_problem(
    module: LowRank, original: nn.Module, text: Text, models: tuple[PreTrainedModel, PreTrainedModel]
) -> Problem | None:
    """y = (x right^T) left^T, for Conv1D y = (x left) right: the factor next to the inputs stays."""
    inputs = text.seen(models[0], cast(nn.Module, module), outputs=False)
    outputs = text.seen(models[1], original, outputs=True)
    if inputs is None or outputs is None:
        return None
    left, right = _double(module.left), _double(module.right)
    transposed = isinstance(module, Conv1D)
    design = inputs @ (left if transposed else right.T).astype(np.float32)
    second = right if transposed else left.T
    bias = cast("Tensor | None", original.bias)
    shift = 0.0 if bias is None else _double(bias)
    return Problem(
        "right" if transposed else "left",
        design,
        np.ones(len(design)),
        lambda chosen: outputs[chosen] - shift - design[chosen].astype(np.float64) @ second,
        lambda x: _add_to(module.right if transposed else module.left, x if transposed else x.T),
    )


@dataclass(frozen=True)
class Choice:
    """How tokens are chosen, and of what error."""

    rows: int
    norm_exponent: float
    importance: LabelImportance
    seed: int


def _solve(problem: Problem, choice: Choice) -> RefittedLayer:
    p, seed = choice.norm_exponent, choice.seed
    scaled = problem.design * (problem.weights ** (1 / p))[:, None].astype(np.float32)
    plan = loewner.regression.plan_labels(
        scaled, norm_exponent=p, budget=choice.rows, importance=choice.importance, seed=seed
    )
    metric = loewner.norms.lewis_weights(problem.design, norm_exponent=p, row_weights=problem.weights).q
    fit = loewner.regression.shrunk_regression(
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
    return RefittedLayer(problem.factor, p, len(problem.design), len(plan.rows), shrinkage, float(fit.estimated_ratio))


def _model_class(config: Any) -> Any:
    names = getattr(config, "architectures", None) or []
    return next((getattr(transformers, name) for name in names if hasattr(transformers, name)), transformers.AutoModel)


def _factored_layers(model: PreTrainedModel) -> Iterator[tuple[str, LowRank]]:
    """Of modules that share their factors the first."""
    seen = set()
    for path, module in encoded_modules(model):
        if isinstance(module, LowRank) and id(module.left) not in seen:
            seen.add(id(module.left))
            yield path, module


def refit(
    output: str | Path,
    model: str | Path,
    target: str | Path,
    text: Sequence[str],
    *,
    rows: int,
    norm_exponent: float = 2.0,
    importance: LabelImportance = LabelImportance.lewis,
    seed: int = 0,
    if_exists: IfExists = IfExists.refuse,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Writes folder `target`: `output`, of `loewner compress`, with one factor of every factored layer fitted so that
    the layer's outputs match those of the original `model` on `rows` chosen tokens of the text.

    A table's factor is fitted to the original's rows, each as heavy as its token is frequent; a linear layer's to the
    original layer's outputs, from the inputs that the compressed model gives it, so that errors of the layers before
    are made up for; one layer after the other. The correction is shrunk as far as the chosen tokens tell that all
    others want it, down to none.

    text: lines, of which the first 128 tokens count. rows: more of them are better; a linear layer wants several times
    its rank. norm_exponent: p of the error |.|_p^p, 1 for outputs with outliers, 4 for the largest errors.
    importance: what tokens are chosen by.
    Returns the report of the written tensors; each has how it was fitted under "refit".

    Cost    two forward passes of the text up to each layer, and its regression.
    Errors  ValueError when nothing is factored, the text is empty or an option cannot be meant; IoError on files.
    """
    lines = [line for line in text if line.strip()]
    if not lines:
        raise ValueError("refit: the text must have at least one line that is not empty")
    if rows < 2:
        raise ValueError(f"refit: rows must be at least 2, got {rows}")
    config = transformers.AutoConfig.from_pretrained(model)
    model_class = _model_class(config)
    student = loewner.load(output, model_class=model_class).eval()  # type: ignore[no-untyped-call]
    teacher = model_class.from_pretrained(model).eval()
    layers = list(_factored_layers(student))
    if not layers:
        raise ValueError(f"refit: {output}: no layer is stored in two factors (methods svd and lp)")
    read = Text(lines, Path(model))
    records: dict[str, RefittedLayer] = {}
    for number, (path, module) in enumerate(layers):
        if progress:
            progress(path, number / len(layers))
        original = teacher.get_submodule(path)
        if isinstance(module, nn.Embedding):
            problem: Problem | None = _table_problem(module, original, read)
        else:
            problem = _layer_problem(module, original, read, (student, teacher))
        if problem is not None:
            records[path] = _solve(problem, Choice(rows, norm_exponent, importance, seed))
    if progress:
        progress("writing", 1.0)
    return _store(Path(output), Path(model), Path(target), student, records, if_exists)


def _store(
    output: Path,
    model: Path,
    target: Path,
    student: PreTrainedModel,
    records: dict[str, RefittedLayer],
    if_exists: IfExists,
) -> dict[str, Any]:
    names = saved_names(student, [f"{path}.{record.factor}" for path, record in records.items()])
    factors = []
    for path, record in records.items():
        parameter = f"{path}.{record.factor}"
        values = student.get_parameter(parameter).detach().float().contiguous().numpy()
        factors.append((names[parameter].rpartition(".")[0] + ".weight", record.factor, values, asdict(record)))
    report = store_refit(output, model, target, factors, if_exists)
    for tensor, (_, _, _, record_of) in zip(report["tensors"], factors, strict=True):
        tensor["refit"] = record_of
    return cast("dict[str, Any]", json.loads(json.dumps(report)))
