# SPDX-License-Identifier: Apache-2.0
"""Two epochs of MRPC for a fine-tuned classifier whose embedding table was compressed to 50 % by subspaces.

Trains once only the factors of the table and once everything, checks that no other tensor changes, and that a saved
model loads unchanged. Score: mean of accuracy and F1 on the dev split. Ten minutes on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import loewner
import torch
from loewner.evaluation import read_task
from matrices import quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_tasks import score_of
from training import SEED, train
from transformers import AutoModelForSequenceClassification, AutoTokenizer

EPOCHS = 2
TASK = "MRPC"


def score(folder: Path, glue: Path) -> float:
    return score_of(read_task(TASK, glue), folder)


def is_factor(name: str) -> bool:
    return "word_embeddings." in name


def require_unchanged(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor], factors_only: bool) -> int:
    """The number of tensors that training changed; raises SystemExit if another tensor changed."""
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    wrong = [name for name in changed if (factors_only and not is_factor(name)) or name.endswith(".cluster")]
    if wrong or before.keys() != after.keys():
        raise SystemExit(f"training must not change {wrong}")
    return len(changed)


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True, models=True).parse_args()
    quiet_transformers()
    original = arguments.models / TASK
    task, tokenizer = read_task(TASK, arguments.glue, split="train"), AutoTokenizer.from_pretrained(original)
    with tempfile.TemporaryDirectory() as scratch:
        small, trained = Path(scratch) / "small", Path(scratch) / "trained"
        loewner.compress(original, small, keep=0.5, method="subspaces", text="none")
        rows = [["original", f"{score(original, arguments.glue):.2f}", ""]]
        rows.append(["50 %, subspaces", f"{score(small, arguments.glue):.2f}", ""])
        for name, factors_only, rate in (("factors trained", True, 1e-3), ("all trained", False, 2e-5)):
            torch.manual_seed(SEED)
            model = AutoModelForSequenceClassification.from_pretrained(small)
            for parameter_name, parameter in model.named_parameters():
                parameter.requires_grad &= is_factor(parameter_name) or not factors_only
            before = {key: value.clone() for key, value in model.state_dict().items()}
            train(model, tokenizer, task, epochs=EPOCHS, rate=rate)
            changed = require_unchanged(before, model.state_dict(), factors_only)
            model.save_pretrained(trained)
            tokenizer.save_pretrained(trained)
            again = AutoModelForSequenceClassification.from_pretrained(trained).state_dict()
            if any(not torch.equal(value, again[key]) for key, value in model.state_dict().items()):
                raise SystemExit("the loaded model differs from the saved one")
            rows.append([f"50 %, {name}", f"{score(trained, arguments.glue):.2f}", f"{changed} of {len(before)}"])
            print(*rows[-1], file=sys.stderr, flush=True)
    publish("training", markdown_table(["model", "score", "tensors changed"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
