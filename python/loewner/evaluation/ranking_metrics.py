# SPDX-License-Identifier: Apache-2.0
"""Metrics of rankings, one value for each query, by trec_eval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

DEPTH = 100  # documents of a ranking that the metrics read
OVERLAP = 10  # first documents that two rankings are compared by

# our name -> name that asks trec_eval for it, and name in its answer
_LABELED = {
    "ndcg@10": ("ndcg_cut.10", "ndcg_cut_10"),
    "recall@10": ("recall.10", "recall_10"),
    f"recall@{DEPTH}": (f"recall.{DEPTH}", f"recall_{DEPTH}"),
    f"mrr@{DEPTH}": ("recip_rank", "recip_rank"),
}
_OVERLAP = {f"overlap@{OVERLAP}": (f"recall.{OVERLAP}", f"recall_{OVERLAP}")}

Rankings = Mapping[str, Sequence[str]]  # query id -> document ids, best first


def require_metrics() -> Any:
    """The package of the metrics. Raises ImportError, before any model runs, if it is missing."""
    try:
        import pytrec_eval
    except ImportError as error:
        raise ImportError("retrieval tasks need pytrec_eval: pip install 'loewner[eval]'") from error
    return pytrec_eval


def labeled_metrics(rankings: Rankings, judgments: Mapping[str, Mapping[str, int]]) -> dict[str, np.ndarray]:
    """nDCG, recall and reciprocal rank of each query, in the order of `rankings`."""
    return _values(rankings, judgments, _LABELED)


def overlap(rankings: Rankings, originals: Rankings) -> dict[str, np.ndarray]:
    """The share of the original's first documents that are among the first ones of each query."""
    return _values(rankings, {query: dict.fromkeys(ids[:OVERLAP], 1) for query, ids in originals.items()}, _OVERLAP)


def _values(
    rankings: Rankings, judgments: Mapping[str, Mapping[str, int]], metrics: Mapping[str, tuple[str, str]]
) -> dict[str, np.ndarray]:
    # trec_eval sorts by score in float32: whole numbers keep our order exactly.
    scored = {query: {id: float(len(ids) - place) for place, id in enumerate(ids)} for query, ids in rankings.items()}
    evaluator = require_metrics().RelevanceEvaluator(
        {query: dict(judgments[query]) for query in rankings}, {asked for asked, _ in metrics.values()}
    )
    answers = evaluator.evaluate(scored)
    return {name: np.array([answers[query][key] for query in rankings]) for name, (_, key) in metrics.items()}
