# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`: scores of models on labeled sentences and in retrieval, and how closely they match a first model."""

from loewner.evaluation.collection import Collection, read_collection
from loewner.evaluation.comparison import Evaluation, Fidelity, evaluate, to_json
from loewner.evaluation.metrics import Interval
from loewner.evaluation.models import Model, Outputs
from loewner.evaluation.retrieval import RankingComparison, evaluate_retrieval
from loewner.evaluation.tasks import TASKS, Task, glue_name, read_task

__all__ = [
    "TASKS",
    "Collection",
    "Evaluation",
    "Fidelity",
    "Interval",
    "Model",
    "Outputs",
    "RankingComparison",
    "Task",
    "evaluate",
    "evaluate_retrieval",
    "glue_name",
    "read_collection",
    "read_task",
    "to_json",
]
