# SPDX-License-Identifier: Apache-2.0
"""Types of arguments, and one rule for all of them.

A solver computes in float32 or in float64; its docstring says so where it is float32 only. Arguments
are converted to that type and to C order if needed:

- **Accepted**: arrays of float16, float32, float64, integers and booleans, in C or Fortran order, with
  any strides, read-only or not; memory maps; nested lists; torch tensors on the CPU; objects that
  `numpy.asarray` converts.
- **Not copied**: a row-major array of the type that the solver computes in, also if its rows are farther
  apart (``a[::2]``, ``a[:, 3:]``). Solvers of `MatrixLike` take float32 and float64 as they are, those
  of `OperatorLike` also float16.
- **Refused with TypeError**: complex numbers, strings and objects; sparse matrices where the type is
  `numpy.typing.ArrayLike`.
- **Refused with ValueError**: another number of dimensions; entries that are not finite, except in
  functions that only multiply or measure (`project_rows`, `distances_to_subspace`,
  `approximation_errors`).

Targets of a regression may be one column: shape (n,) or (n, t).
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import ArrayLike

from loewner.linalg import SparseRows

__all__ = ["LinearOperator", "MatrixLike", "OperatorLike", "SparseMatrix"]


class SparseMatrix(Protocol):
    """A scipy.sparse matrix or array of any format, converted to CSR."""

    @property
    def shape(self) -> Any:
        """Numbers of rows and columns."""

    def tocsr(self) -> Any:
        """Return the matrix in CSR format."""


class LinearOperator(Protocol):
    """A matrix that is known by its products, as scipy.sparse.linalg.LinearOperator.

    Products get and give float64 arrays of a few columns, and may keep or change their arguments.
    """

    @property
    def shape(self) -> Any:
        """Numbers of rows and columns, n and d."""

    def matmat(self, x: Any) -> Any:
        """Return A x for x of shape (d, b)."""

    def rmatmat(self, x: Any) -> Any:
        """Return A^T x for x of shape (n, b)."""


MatrixLike = ArrayLike | SparseRows | SparseMatrix
"""A dense or sparse matrix."""

OperatorLike = ArrayLike | SparseRows | SparseMatrix | LinearOperator
"""A dense or sparse matrix, or an operator with products."""
