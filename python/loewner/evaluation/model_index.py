# SPDX-License-Identifier: Apache-2.0
"""The scores of a model in the metadata of its model card, where the Hugging Face Hub reads them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from yaml import YAMLError

from loewner._core import IoError
from loewner._files import replace_file
from loewner.evaluation.comparison import Evaluation


class ScoredCard:
    """The README.md of a model folder, whose model-index gets scores.

    Everything else in the card stays. Scores of the same task, data and metric are replaced.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the card cannot be read, and IoError if its metadata are not those of a model card."""
        self._file, self._name = folder / "README.md", folder.resolve().name
        content = self._file.read_bytes().decode()
        try:
            self._card = ModelCard(content)
        except (YAMLError, ValueError) as error:
            raise IoError(f"{self._file}: must begin with the metadata of a model card: {error}") from None

    def add(self, evaluations: Sequence[Evaluation]) -> None:
        """Adds the scores of these evaluations and replaces the file in one step."""
        data = cast(ModelCardData, self._card.data)
        results = {_key(result): result for result in data.eval_results or []}
        results |= {_key(result): result for evaluation in evaluations for result in _results(evaluation)}
        data.model_name, data.eval_results = data.model_name or self._name, list(results.values())
        replace_file(self._file, self._card.content.encode())


def _key(result: EvalResult) -> tuple[str, str, str]:
    return result.task_type, result.dataset_type, result.metric_type


def _results(evaluation: Evaluation) -> list[EvalResult]:
    results = []
    for metric, score in evaluation.scores.items():
        if not math.isfinite(score.value):
            continue
        name = metric
        if math.isfinite(score.low):
            name += f" (95 % interval {score.low:.4f} to {score.high:.4f})"
        results.append(
            EvalResult(
                task_type=evaluation.task_type,
                task_name=evaluation.task_type.replace("-", " ").capitalize(),
                dataset_type=re.sub(r"[^a-z0-9]+", "-", evaluation.task.lower()).strip("-") or "task",
                dataset_name=evaluation.task,
                metric_type=metric,
                metric_name=name,
                metric_value=round(score.value, 4),
            )
        )
    return results
