# SPDX-License-Identifier: Apache-2.0
"""A simplex learned from rows, as scikit-learn's other matrix factorisations are used."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

import loewner


def _library_rows(x: Any) -> Any:
    if not scipy.sparse.issparse(x):
        return np.ascontiguousarray(x)
    return loewner.linalg.SparseRows(x.shape[1], x.indptr.astype(np.int64), x.indices.astype(np.int32), x.data)


class LatentSimplex(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Rows as convex combinations of a few vertices, each of which is the mean of original rows.

    Like NMF with weights that add up to 1 and components that lie among the data, which may have any sign. See
    loewner.cluster.latent_simplex and loewner.cluster.convex_code for method, cost and accuracy.

    n_components: k <= min(n, d), as many as possible if None; share: of the rows that lie near each vertex,
    1 / (5 k) if None; aggregate: "mean" or "median"; sparsity: vertices that a row may use, all if None.

    components_: vertices, r x d; r < n_components where the rows span fewer dimensions (n_components_).
    members_: the rows that each vertex is the average of. reconstruction_err_: ||X - W components_||_F.
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        share: float | None = None,
        tries: int = 8,
        power_steps: int = 1,
        aggregate: str = "mean",
        sparsity: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.share = share
        self.tries = tries
        self.power_steps = power_steps
        self.aggregate = aggregate
        self.sparsity = sparsity
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> LatentSimplex:
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        if self.aggregate not in ("mean", "median"):
            raise ValueError(f"aggregate must be 'mean' or 'median', got '{self.aggregate}'")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        k = min(X.shape) if self.n_components is None else self.n_components
        found = loewner.cluster.latent_simplex(
            _library_rows(X),
            k,
            share=self.share or 0.0,
            tries=self.tries,
            power_steps=self.power_steps,
            aggregate=getattr(loewner.cluster.VertexAggregate, self.aggregate),
            seed=int(check_random_state(self.random_state).randint(2**31)),
        )
        all_zero = len(found.vertices) == 0
        self.components_ = np.zeros((1, X.shape[1]), X.dtype) if all_zero else found.vertices.astype(X.dtype)
        self.members_: list[list[int]] = [[]] if all_zero else found.members
        self.n_components_ = self._n_features_out = len(self.components_)
        weights, squared_distances = self._code(X)
        self.reconstruction_err_ = float(np.sqrt(squared_distances.sum()))
        return weights

    def transform(self, X: Any) -> np.ndarray:
        """Weights, n x r: rows >= 0 that add up to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        return self._code(X)[0]

    def inverse_transform(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.asarray(X @ self.components_)

    def _code(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        vertices = np.ascontiguousarray(self.components_, np.float64)
        codes = loewner.cluster.convex_code(vertices, _library_rows(X), sparsity=self.sparsity or 0)
        shape = (X.shape[0], len(vertices))
        weights = scipy.sparse.csr_matrix((codes.weights, codes.columns, codes.row_offsets), shape)
        return weights.toarray().astype(X.dtype), np.asarray(codes.squared_distances)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
