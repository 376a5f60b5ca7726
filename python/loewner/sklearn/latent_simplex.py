# SPDX-License-Identifier: Apache-2.0
"""Latent simplex as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

import loewner


class LatentSimplex(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Convex combinations of a few vertices, each of which is the mean of original rows.

    Like NMF with weights that add up to 1. Components lie among the rows and may have any sign.

    Parameters
    ----------
    n_components : int, optional
        Number k of vertices, at most min(n, d), which is the default.
    share : float, optional
        Share of the rows that lie near each vertex; 1 / (5 k) if None.
    tries : int
        Random directions per vertex.
    power_steps : int
        Passes that sharpen the subspace.
    aggregate : {"mean", "median"}
        What the rows near a vertex become.
    sparsity : int, optional
        Largest number of vertices of a row; None for no limit.
    random_state : int, RandomState or None
        Source of the seed.

    Attributes
    ----------
    components_ : ndarray of shape (r, d)
        The vertices; r < k if the rows span fewer dimensions.
    n_components_ : int
        r.
    members_ : list of list of int
        For each vertex, the rows that it averages.
    reconstruction_err_ : float
        ||X - W components_||_F.

    Notes
    -----
    See `loewner.cluster.latent_simplex` and `loewner.cluster.convex_code` for method, cost and accuracy.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sklearn import LatentSimplex
    >>> rows = np.repeat(np.eye(3), 40, axis=0)
    >>> LatentSimplex(3).fit_transform(rows).shape
    (120, 3)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        share: float | None = None,
        tries: int = 8,
        power_steps: int = 1,
        aggregate: Literal["mean", "median"] = "mean",
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
        """Find the vertices of the rows of X."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Find the vertices and return the weights of the rows of X."""
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        k = min(X.shape) if self.n_components is None else self.n_components
        found = loewner.cluster.latent_simplex(
            X,
            k,
            share=self.share or 0.0,
            tries=self.tries,
            power_steps=self.power_steps,
            aggregate=self.aggregate,
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
        """Return the weights, n x r: rows >= 0 that add up to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        return self._code(X)[0]

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the convex combinations with weights X."""
        check_is_fitted(self)
        return np.asarray(X @ self.components_)

    def _code(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        codes = loewner.cluster.convex_code(self.components_, X, sparsity=self.sparsity or 0)
        shape = (X.shape[0], len(self.components_))
        weights = scipy.sparse.csr_matrix((codes.weights, codes.columns, codes.row_offsets), shape)
        return weights.toarray().astype(X.dtype), np.asarray(codes.squared_distances)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
