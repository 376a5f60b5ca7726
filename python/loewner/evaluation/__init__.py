# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`: scores of models on labeled sentences, and how closely they match a first model."""

from loewner.evaluation.comparison import Evaluation, Fidelity, evaluate, to_json
from loewner.evaluation.metrics import Interval
from loewner.evaluation.models import Model, Outputs
from loewner.evaluation.tasks import TASKS, Task, read_task

__all__ = [
    "TASKS",
    "Evaluation",
    "Fidelity",
    "Interval",
    "Model",
    "Outputs",
    "Task",
    "evaluate",
    "read_task",
    "to_json",
]
