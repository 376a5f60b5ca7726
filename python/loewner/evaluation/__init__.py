# SPDX-License-Identifier: Apache-2.0
"""How good a model is on labelled sentences, and how near it stays to another: `loewner eval`."""

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
