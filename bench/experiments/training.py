# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning of classifiers for the experiments: the same steps for every model, from one seed."""

from __future__ import annotations

import sys

import numpy as np
import torch
import transformers
from loewner.evaluation import Task
from transformers import PreTrainedTokenizerBase

BATCH, SEED, MAX_LENGTH = 32, 0, 128


def train(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    *,
    epochs: int,
    rate: float,
    bfloat16: bool = False,
) -> None:
    """AdamW with a linearly falling rate over what has gradients; bfloat16: products in it, the weights in float32."""
    labels = task.labels
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(epochs):
        order = np.random.default_rng([SEED, epoch]).permutation(len(labels))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            columns = ([column[i] for i in chosen] for column in task.sentences)
            batch = tokenizer(*columns, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                loss = model(**batch, labels=torch.tensor(labels[chosen], dtype=torch.long)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        print(f"epoch {epoch + 1} done", file=sys.stderr, flush=True)
    model.eval()
