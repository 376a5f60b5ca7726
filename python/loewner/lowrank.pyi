"""Low-rank approximation in l_p norms and in robust losses."""

import enum
from typing import Annotated

import numpy
from numpy.typing import NDArray

import loewner._core
import loewner.norms


class EntrywiseLowRank:
    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """n x rank"""

    @property
    def right(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """rank x d"""

    @property
    def start(self) -> EntrywiseStart:
        """where the result came from"""

    @property
    def starts(self) -> list[EntrywiseStartObjective]:
        """all that were tried, with their objectives"""

    @property
    def report(self) -> loewner._core.FitReport:
        """objective: sum_i u_i ||a_i - b_i||_p^p"""

class EntrywiseStart(enum.Enum):
    """The subspaces that entrywise_low_rank starts from."""

    truncated_svd = 0

    lewis = 1
    """leading eigenvectors of the Lewis quadratic form"""

    row_subspace = 2
    """robust subspace of the rows"""

    lewis_columns = 3
    """robust subspace of the columns of the Lewis factor"""

class EntrywiseStartObjective:
    @property
    def start(self) -> EntrywiseStart: ...

    @property
    def objective(self) -> float: ...

class LpFactorization:
    @property
    def scales(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """min(n, d) values, descending"""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """min(n, d) x d, orthonormal rows; the leading k serve rank k"""

    @property
    def norm_exponent(self) -> float: ...

    @property
    def distortion(self) -> float: ...

    @property
    def status(self) -> loewner._core.Status: ...

    @property
    def iterations(self) -> int: ...

    def error_bound(self, rank: int) -> float:
        """
        An upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p) for the leading `rank` rows of vt.
        """

class LpLowRank:
    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """n x rank"""

    @property
    def right(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """rank x d"""

    @property
    def error(self) -> float:
        """(sum_i u_i ||a_i - b_i||_p^p)^(1/p), measured on left @ right"""

    @property
    def upper_bound(self) -> float: ...

    @property
    def lower_bound(self) -> float:
        """of the error of any matrix of this rank"""

    @property
    def distortion(self) -> float: ...

    @property
    def status(self) -> loewner._core.Status: ...

class LpRowProjection:
    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """n x k"""

    @property
    def report(self) -> loewner._core.FitReport:
        """objective: sum_i ||a_i - left_i right||_p^p"""

class RobustSubspace:
    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """rank x d, orthonormal rows"""

    @property
    def report(self) -> loewner._core.FitReport:
        """objective: sum_i u_i rho(distance of row i)"""

class RowProjection(enum.Enum):
    """How the rows are projected on the subspace once it is chosen."""

    orthogonal = 0
    """one product"""

    lp = 1
    """the closest point in the l_p norm: never worse, much slower"""

def distances_to_subspace(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], vt: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """||a_i - V V^T a_i||_2 for all rows; vt: k x d, orthonormal rows."""

def entrywise_low_rank(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, refined_starts: int = 2, max_iterations: int = 60, tolerance: float = 1e-05) -> EntrywiseLowRank:
    """
    left @ right of rank at most `rank` that makes sum_ij u_i |a_ij - b_ij|^p small: slower and closer than
    lp_low_rank, never worse than the truncated SVD.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.
    """

def lp_factorization(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LpFactorization:
    """
    F = diag(scales) vt with ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2 for all x.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. p = 2 is the SVD.
    """

def lp_low_rank(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, row_projection: RowProjection = RowProjection.orthogonal) -> LpLowRank:
    """
    left @ right of the given rank that makes sum_i u_i ||a_i - b_i||_p^p small, by lp_factorization, with bounds on
    both sides: lower_bound <= error <= upper_bound up to float32 rounding.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.
    """

def lp_row_projection(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], right: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, max_iterations: int = 30, tolerance: float = 0.0001) -> LpRowProjection:
    """
    The left factor (n x k) of the best approximation of each row in the l_p norm: min_z ||a_i - z right||_p.

    a: n x d; right: k x d, of any rank, k <= d; norm_exponent: p >= 1.
    """

def robust_subspace(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, loss: loewner.norms.Loss, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 50, tolerance: float = 1e-06) -> RobustSubspace:
    """
    A subspace that makes sum_i u_i rho(||a_i - V V^T a_i||_2) small over V with `rank` orthonormal columns; never
    above the objective of the truncated SVD.

    a: n x d; loss: rho, in the units of the distances; row_weights: u, n values >= 0, all ones if None.
    """

__all__: list = ['EntrywiseLowRank', 'EntrywiseStart', 'EntrywiseStartObjective', 'LpFactorization', 'LpLowRank', 'LpRowProjection', 'RobustSubspace', 'RowProjection', 'distances_to_subspace', 'entrywise_low_rank', 'lp_factorization', 'lp_low_rank', 'lp_row_projection', 'robust_subspace']
