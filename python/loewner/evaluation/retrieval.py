# SPDX-License-Identifier: Apache-2.0
"""Evaluates several models on a retrieval task, and compares their rankings with those of the first model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from loewner.evaluation.collection import Collection
from loewner.evaluation.comparison import Evaluation, Fidelity, Progress, cosines, progress_of, set_up_torch
from loewner.evaluation.encoders import Vectors, vectors_of
from loewner.evaluation.metrics import Sampled, bootstrap_of_mean, compared, resamples
from loewner.evaluation.own_process import Share, in_own_process
from loewner.evaluation.ranking import best, require_index
from loewner.evaluation.ranking_metrics import DEPTH, labeled_metrics, overlap, require_metrics

RETRIEVAL = "information-retrieval"


def evaluate_retrieval(
    models: Sequence[Path],
    collection: Collection,
    *,
    batch_size: int = 32,
    max_length: int | None = None,
    draws: int = 1000,
    seed: int = 0,
    threads: int | None = None,
    index: str = "exact",
    progress: Progress | None = None,
) -> list[Evaluation]:
    """Evaluate models on a retrieval task and compare each with the first one.

    Parameters
    ----------
    models : sequence of Path
        Model folders or ONNX files. The first model is the reference.
    collection : Collection
        Documents, queries and judgments (`read_collection`).
    batch_size : int, default 32
        Texts in a batch; texts of a batch have similar lengths.
    max_length : int, optional
        Tokens of a text; longer ones are truncated. By default the model's own length.
    draws : int, default 1000
        Bootstrap resamples.
    seed : int, default 0
        Random seed of the resamples.
    threads : int, optional
        Number of threads of torch.
    index : {"exact", "faiss"}, default "exact"
        Where the vectors are searched; both compare a query with every document.
    progress : callable, optional
        Called as ``progress(model, share)`` while a model runs.

    Returns
    -------
    list of Evaluation
        One entry for each model. Its scores are nDCG@10, recall@10, recall@100 and the reciprocal rank among the first
        100 documents, if the collection has judgments, and for every model but the first the overlap@10: the share of
        the first model's ten documents that are among the model's ten.

    Raises
    ------
    ValueError
        If a model is not an encoder. Loading a model may raise other exceptions.
    ImportError
        If pytrec_eval, sentence-transformers or faiss is needed and missing.

    Notes
    -----
    Folders of sentence-transformers are run by it, with their pooling, prompts and similarity; other folders by mean
    pooling and cosine. As in BEIR, the document that has the id of a query is not ranked for it; here it is if it was
    judged for that query. Intervals are 95 % bootstrap intervals over queries; all models share the resamples.

    Examples
    --------
    >>> from loewner.evaluation import evaluate_retrieval, read_collection
    >>> evaluate_retrieval([Path("MODEL"), Path("SMALLER")], read_collection(Path("scifact")))  # doctest: +SKIP
    """
    comparison = RankingComparison(collection, draws=draws, seed=seed, index=index)
    evaluations = []
    for model in models:
        share = progress_of(model, progress)
        vectors = in_own_process(_run, share, model, collection, batch_size, max_length, threads)
        evaluations.append(comparison.add(model, vectors))
    return evaluations


class RankingComparison:
    """Evaluates models by their vectors of one collection; the first that is added is the reference."""

    def __init__(self, collection: Collection, *, draws: int = 1000, seed: int = 0, index: str = "exact") -> None:
        """Parameters as in `evaluate_retrieval`. Raises ImportError if pytrec_eval or faiss is needed and missing."""
        require_metrics()
        require_index(index)
        self._collection, self._index = collection, index
        self._drawn = resamples(len(collection), draws, seed)
        self._first: tuple[Vectors, dict[str, list[str]], dict[str, Sampled]] | None = None

    def add(self, model: Path, vectors: Vectors) -> Evaluation:
        """The evaluation of a model that has these vectors of the collection's queries and documents."""
        first, collection = self._first, self._collection
        rankings = self._rankings(vectors)
        sampled = self._sampled(labeled_metrics(rankings, collection.judgments) if collection.judgments else {})
        scores, differences = compared(sampled, first[2] if first else None)
        if first:
            scores |= compared(self._sampled(overlap(rankings, first[1])), None)[0]
        fidelity = _fidelity(vectors, first[0]) if first else None
        self._first = first or (vectors, rankings, sampled)
        speed, resident = vectors.tokens_per_second, vectors.resident_bytes
        return Evaluation(
            model, collection.name, len(collection), scores, differences, fidelity, speed, resident, RETRIEVAL
        )

    def _sampled(self, values: Mapping[str, np.ndarray]) -> dict[str, Sampled]:
        return {name: bootstrap_of_mean(each, self._drawn) for name, each in values.items()}

    def _rankings(self, vectors: Vectors) -> dict[str, list[str]]:
        collection, ids = self._collection, list(self._collection.documents)
        found = best(vectors.queries, vectors.documents, min(DEPTH + 1, len(ids)), self._index)
        rankings = {}
        for query, numbers in zip(collection.queries, found, strict=True):
            skipped = None if query in collection.judgments.get(query, {}) else query
            rankings[query] = [ids[number] for number in numbers if ids[number] != skipped][:DEPTH]
        return rankings


def _run(
    share: Share, model: Path, collection: Collection, batch_size: int, max_length: int | None, threads: int | None
) -> Vectors:
    set_up_torch(threads)
    queries, documents = list(collection.queries.values()), list(collection.documents.values())
    return vectors_of(model, queries, documents, batch_size=batch_size, max_length=max_length, progress=share)


def _fidelity(vectors: Vectors, reference: Vectors) -> Fidelity | None:
    if vectors.queries.shape != reference.queries.shape:
        return None  # vectors of different dimension
    pairs = ((vectors.queries, reference.queries), (vectors.documents, reference.documents))
    values = np.concatenate([cosines(mine, theirs) for mine, theirs in pairs])
    return Fidelity.of_cosines(values)
