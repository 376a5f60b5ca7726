# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes classifiers for the experiments: the same steps and the same seed for every model."""

from __future__ import annotations

import sys

import numpy as np
import torch
import transformers
from loewner.evaluation import Task
from transformers import PreTrainedTokenizerBase

BATCH, SEED, MAX_LENGTH = 32, 0, 128
POOL = 16  # batches per random pool; within a pool rows are sorted by length


def batches(lengths: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """All indices in random batches of similar lengths, since a batch is padded to its longest row."""
    order = random.permutation(len(lengths))
    pools = (order[start : start + POOL * BATCH] for start in range(0, len(order), POOL * BATCH))
    by_length = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    found = [pool[start : start + BATCH] for pool in by_length for start in range(0, len(pool), BATCH)]
    return [found[i] for i in random.permutation(len(found))]


def train(
    model: torch.nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    *,
    epochs: int,
    rate: float,
    bfloat16: bool = False,
) -> None:
    """Trains all parameters that require gradients by AdamW with a linearly decreasing rate.

    bfloat16: matrix products in bfloat16; weights stay in float32."""
    labels = task.labels
    lengths = np.array([sum(map(len, sentences)) for sentences in zip(*task.sentences, strict=True)])
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for epoch in range(epochs):
        for chosen in batches(lengths, np.random.default_rng([SEED, epoch])):
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
