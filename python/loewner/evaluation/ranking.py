# SPDX-License-Identifier: Apache-2.0
"""The documents whose vectors have the largest products with the vector of a query."""

from __future__ import annotations

from typing import Any

import numpy as np

INDEXES = ("exact", "faiss")
_SCORES_AT_ONCE = 1 << 24  # 64 MB of scores


def require_index(index: str) -> None:
    """Raises before any model runs if the index is unknown or its package is missing."""
    if index not in INDEXES:
        raise ValueError(f"index must be one of {', '.join(INDEXES)}, got '{index}'")
    if index == "faiss":
        _faiss()


def best(queries: np.ndarray, documents: np.ndarray, depth: int, index: str = "exact") -> np.ndarray:
    """Numbers of the `depth` documents with the largest products, best first (queries x depth).

    Both indexes compute every product. Of equal products, the one of the earlier document comes first. faiss adds
    products in another order: documents whose products differ by rounding only may change places.
    """
    if index == "faiss":
        flat = _faiss().IndexFlatIP(documents.shape[1])
        flat.add(np.ascontiguousarray(documents, np.float32))
        products, found = flat.search(np.ascontiguousarray(queries, np.float32), depth)
        return np.take_along_axis(found, np.lexsort((found, -products), axis=1), axis=1)
    rows = max(1, _SCORES_AT_ONCE // len(documents))
    blocks = [queries[start : start + rows] @ documents.T for start in range(0, len(queries), rows)]
    return np.array([_best_of(products, depth) for block in blocks for products in block])


def _best_of(products: np.ndarray, depth: int) -> np.ndarray:
    least = np.partition(products, len(products) - depth)[len(products) - depth]
    candidates = np.flatnonzero(products >= least)
    return candidates[np.argsort(-products[candidates], kind="stable")][:depth]


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError("--index faiss needs faiss: pip install 'loewner[faiss]'") from error
    return faiss
