"""
Low-rank approximation in l_p norms and in robust losses.

For outlying rows `lp_low_rank` is fast and bounds its error, and `robust_subspace` takes any robust loss. For outlying
entries `entrywise_low_rank` has the smallest error and the highest cost.
"""

import enum
from typing import Annotated, Literal

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core
import loewner.norms


class EntrywiseLowRank:
    """
    A low-rank approximation left @ right with a small entrywise l_p error.

    Attributes
    ----------
    left : ndarray of shape (n, rank)
        Left factor.
    right : ndarray of shape (rank, d)
        Right factor.
    start : loewner.lowrank.EntrywiseStart
        The start of the result.
    starts : list[loewner.lowrank.EntrywiseStartObjective]
        All starts with their objectives.
    report : FitReport
        Status and iterations; the objective is the weighted sum of the p-th powers of the errors.
    """

    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(n, rank) Left factor."""

    @property
    def right(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(rank, d) Right factor."""

    @property
    def start(self) -> EntrywiseStart:
        """The start of the result."""

    @property
    def starts(self) -> list[EntrywiseStartObjective]:
        """All starts with their objectives."""

    @property
    def report(self) -> loewner._core.FitReport:
        """
        Status and iterations; the objective is the weighted sum of the p-th powers of the errors.
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class EntrywiseStart(enum.StrEnum):
    """The subspace from which `entrywise_low_rank` starts."""

    truncated_svd = 'truncated_svd'
    """That of the truncated SVD."""

    lewis = 'lewis'
    """The leading eigenvectors of Q of `loewner.norms.lewis_weights`."""

    row_subspace = 'row_subspace'
    """The robust subspace of the rows for the loss r^p."""

    lewis_columns = 'lewis_columns'
    """The robust subspace of the columns of F, F^T F = Q."""

class EntrywiseStartObjective:
    """
    A start and its objective.

    Attributes
    ----------
    start : loewner.lowrank.EntrywiseStart
        The start.
    objective : float
        Its objective.
    """

    @property
    def start(self) -> EntrywiseStart:
        """The start."""

    @property
    def objective(self) -> float:
        """Its objective."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LpFactorization:
    """
    A diagonalized ellipsoid norm close to ||A x||_p.

    With F = diag(scales) vt, ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2 for all x.
    The leading k rows of `vt` serve rank k.

    Attributes
    ----------
    scales : ndarray of shape (min(n, d),)
        Descending.
    vt : ndarray of shape (min(n, d), d)
        Orthonormal rows.
    norm_exponent : float
        p.
    distortion : float
        Factor between the two norms.
    status : Status
        How the Lewis weights ended.
    iterations : int
        Iterations of the Lewis weights.
    """

    @property
    def scales(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(min(n, d),) Descending."""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(min(n, d), d) Orthonormal rows."""

    @property
    def norm_exponent(self) -> float:
        """p."""

    @property
    def distortion(self) -> float:
        """Factor between the two norms."""

    @property
    def status(self) -> loewner._core.Status:
        """How the Lewis weights ended."""

    @property
    def iterations(self) -> int:
        """Iterations of the Lewis weights."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

    def error_bound(self, rank: int) -> float:
        """
        Bound the error of the projection on the leading rows of `vt`.

        Parameters
        ----------
        rank : int
            k, in [0, min(n, d)].

        Returns
        -------
        float
            An upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p).

        Raises
        ------
        ValueError
            If the rank is out of range.
        """

class LpLowRank:
    """
    A low-rank approximation B = left @ right in an l_p norm.

    Attributes
    ----------
    left : ndarray of shape (n, rank)
        Left factor.
    right : ndarray of shape (rank, d)
        Right factor.
    error : float
        Measured on left @ right: (sum_i u_i ||a_i - b_i||_p^p)^(1/p).
    upper_bound : float
        Upper bound of the error, by the factorization.
    lower_bound : float
        Lower bound of the error of every matrix of this rank.
    distortion : float
        Distortion of the factorization.
    status : Status
        How the Lewis weights ended.
    """

    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(n, rank) Left factor."""

    @property
    def right(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(rank, d) Right factor."""

    @property
    def error(self) -> float:
        """Measured on left @ right: (sum_i u_i ||a_i - b_i||_p^p)^(1/p)."""

    @property
    def upper_bound(self) -> float:
        """Upper bound of the error, by the factorization."""

    @property
    def lower_bound(self) -> float:
        """Lower bound of the error of every matrix of this rank."""

    @property
    def distortion(self) -> float:
        """Distortion of the factorization."""

    @property
    def status(self) -> loewner._core.Status:
        """How the Lewis weights ended."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LpRowProjection:
    """
    The projection left @ right of rows in an l_p norm.

    Attributes
    ----------
    left : ndarray of shape (n, k)
        Left factor; of least norm if right has a lower rank.
    report : FitReport
        Status and iterations; the objective is sum_i ||a_i - left_i right||_p^p.
    """

    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(n, k) Left factor; of least norm if right has a lower rank."""

    @property
    def report(self) -> loewner._core.FitReport:
        """
        Status and iterations; the objective is sum_i ||a_i - left_i right||_p^p.
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class RobustSubspace:
    """
    A subspace with a small robust loss.

    Attributes
    ----------
    vt : ndarray of shape (rank, d)
        Basis of the subspace, orthonormal rows.
    report : FitReport
        Status and iterations; the objective is sum_i u_i rho(distance of row i).
    """

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(rank, d) Basis of the subspace, orthonormal rows."""

    @property
    def report(self) -> loewner._core.FitReport:
        """
        Status and iterations; the objective is sum_i u_i rho(distance of row i).
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class RowProjection(enum.StrEnum):
    """How `lp_low_rank` projects the rows on a subspace."""

    orthogonal = 'orthogonal'
    """By one product."""

    lp = 'lp'
    """To the closest point in the l_p norm: never worse, much slower."""

def distances_to_subspace(a: numpy.typing.ArrayLike, vt: numpy.typing.ArrayLike) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """
    Compute the distances of rows from a subspace: ||a_i - V V^T a_i||_2.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The rows, computed with in float32.
    vt : array_like of shape (k, d)
        Basis of the subspace, with orthonormal rows.

    Returns
    -------
    ndarray of shape (n,), float64
        The distances.

    Raises
    ------
    ValueError
        If `vt` has another number of columns than `a`.

    Notes
    -----
    Accurate to 1e-13 ||a_i||.

    Examples
    --------
    >>> from loewner.lowrank import distances_to_subspace
    >>> distances_to_subspace([[3.0, 4.0]], [[1.0, 0.0]])
    array([4.])
    """

def entrywise_low_rank(a: numpy.typing.ArrayLike, rank: int, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None, refined_starts: int = 2, max_iterations: int = 60, tolerance: float = 1e-05) -> EntrywiseLowRank:
    """
    Find a low-rank matrix with a small entrywise l_p error.

    Makes sum_ij u_i |a_ij - b_ij|^p small over B = left @ right of rank at most `rank`.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    rank : int
        Rank of B, in [1, min(n, d)].
    norm_exponent : float
        p >= 1, finite. p = 2 gives the truncated SVD.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    refined_starts : int
        How many of the best starts are refined.
    max_iterations : int
        Limit per refined start; 0 returns the best start.
    tolerance : float
        Relative change of the objective that counts as none.

    Returns
    -------
    EntrywiseLowRank
        Factors, the starts with their objectives, and a report.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, or an entry is not finite (the message names
        its row and column).

    Notes
    -----
    Starts from four subspaces and refines the best of them by alternating directions [1]_ with proximal
    maps of the entries. The result is never worse than the truncated SVD; the problem is NP-hard for p = 1
    [2]_. Slower and closer than `lp_low_rank`. Cost per iteration: one truncated SVD and 4 n d rank flops.
    Results have the same bits for any number of threads.

    References
    ----------
    .. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato and J. Eckstein, "Distributed optimization and statistical
       learning via the alternating direction method of multipliers", Foundations and Trends in Machine
       Learning 3, 2011.
    .. [2] N. Gillis and S. A. Vavasis, "On the complexity of robust PCA and l1-norm low-rank matrix
       approximation", Mathematics of Operations Research 43, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.lowrank import entrywise_low_rank
    >>> a = np.outer(np.arange(1.0, 30.0), np.arange(1.0, 6.0))
    >>> a[3, 2] += 100
    >>> fit = entrywise_low_rank(a, 1)
    >>> fit.starts[0].start == "truncated_svd", fit.report.final_objective < fit.starts[0].objective
    (True, True)
    """

def lp_factorization(a: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LpFactorization:
    """
    Factor a matrix for low rank in an l_p norm; one factorization serves all ranks.

    Finds F = diag(scales) vt with ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    norm_exponent : float
        p >= 1, finite. p = 2 is the SVD.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    max_iterations : int
        As in `loewner.norms.lewis_weights`.
    tolerance : float
        As in `loewner.norms.lewis_weights`.

    Returns
    -------
    LpFactorization
        Scales, right vectors and distortion.

    Raises
    ------
    ValueError
        As in `loewner.norms.lewis_weights`.

    Notes
    -----
    The factorization is that of [1]_ with Lewis weights [2]_ in place of the smallest ellipsoid: F^T F is Q
    of `loewner.norms.lewis_weights`, scaled. Cost: that of the weights, and 4 d^3 flops.

    References
    ----------
    .. [1] M. Tukan, A. Maalouf, M. Weksler and D. Feldman, "No fine-tuning, no cry: robust SVD for compressing
       deep networks", Sensors 21, 2021.
    .. [2] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.lowrank import lp_factorization
    >>> found = lp_factorization(np.diag([3.0, 2.0, 1.0]), norm_exponent=2)
    >>> found.scales.round(6), round(found.error_bound(2), 6)
    (array([3., 2., 1.]), 1.0)
    """

def lp_low_rank(a: numpy.typing.ArrayLike, rank: int, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None, row_projection: Literal['orthogonal', 'lp'] | RowProjection = 'orthogonal') -> LpLowRank:
    """
    Find a low-rank matrix with a small l_p error, with bounds on both sides.

    Finds B = left @ right of the given rank that makes sum_i u_i ||a_i - b_i||_p^p small.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    rank : int
        Rank of B, in [1, min(n, d)].
    norm_exponent : float
        p >= 1, finite.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    row_projection : {'orthogonal', 'lp'}
        How the rows are projected on the subspace: by one product, or to the closest point in the l_p norm,
        which is never worse and much slower.

    Returns
    -------
    LpLowRank
        Factors, error and bounds.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, or an entry is not finite (the message names
        its row and column).

    Notes
    -----
    Projects the rows on the leading rows of `vt` of `lp_factorization` [1]_. lower_bound <= error <=
    upper_bound up to float32 rounding; p = 2 gives the truncated SVD. `entrywise_low_rank` has a smaller
    error at a higher cost. Results have the same bits for any number of threads.

    References
    ----------
    .. [1] M. Tukan, A. Maalouf, M. Weksler and D. Feldman, "No fine-tuning, no cry: robust SVD for compressing
       deep networks", Sensors 21, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.lowrank import lp_low_rank
    >>> a = np.random.default_rng(0).standard_normal((100, 8))
    >>> fit = lp_low_rank(a, 3, norm_exponent=1)
    >>> fit.left.shape, fit.right.shape
    ((100, 3), (3, 8))
    >>> fit.lower_bound <= fit.error <= fit.upper_bound
    True
    """

def lp_row_projection(a: numpy.typing.ArrayLike, right: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, max_iterations: int = 30, tolerance: float = 0.0001) -> LpRowProjection:
    """
    Project rows on a row space in the l_p norm: min_z ||a_i - z right||_p.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The rows, computed with in float32.
    right : array_like of shape (k, d)
        Rows that span the space, of any rank, k <= d.
    norm_exponent : float
        p >= 1, finite.
    max_iterations : int
        Limit per row.
    tolerance : float
        Relative decrease of a row's objective at which the row is finished.

    Returns
    -------
    LpRowProjection
        The left factor and a report.

    Raises
    ------
    ValueError
        If an option is out of range, the shape of `right` does not fit, or an entry is not finite.

    Notes
    -----
    Iteratively reweighted least squares per row, from the l_2 projection, whose objective is never exceeded:
    with steps 1 / (p - 1) for p > 2 [1]_ and weights whose smoothing decreases [2]_. Cost per row and
    iteration: d m^2 flops with m = min(k, d - k). Row weights would not change the minimizers. Results have
    the same bits for any number of threads.

    References
    ----------
    .. [1] C. S. Burrus, J. A. Barreto and I. W. Selesnick, "Iterative reweighted least-squares design of FIR
       filters", IEEE Transactions on Signal Processing 42, 1994.
    .. [2] R. Chartrand and W. Yin, "Iteratively reweighted algorithms for compressive sensing", ICASSP 2008.

    Examples
    --------
    >>> from loewner.lowrank import lp_row_projection
    >>> lp_row_projection([[1.0, 1.0, 9.0]], [[1.0, 1.0, 1.0]], norm_exponent=1).left.round(3)
    array([[1.]], dtype=float32)
    """

def robust_subspace(a: numpy.typing.ArrayLike, rank: int, loss: loewner.norms.Loss, *, row_weights: numpy.typing.ArrayLike | None = None, max_iterations: int = 50, tolerance: float = 1e-06) -> RobustSubspace:
    """
    Find a subspace with a small robust loss of the rows' distances.

    Makes sum_i u_i rho(||a_i - V V^T a_i||_2) small over all V (d x rank) with orthonormal columns.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    rank : int
        Dimension of the subspace, in [1, min(n, d)].
    loss : Loss
        rho, in the units of the distances.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    max_iterations : int
        Limit of reweighting steps; each takes one truncated SVD.
    tolerance : float
        Relative decrease of the objective at which the iteration has converged.

    Returns
    -------
    RobustSubspace
        The basis and a report.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, or an entry is not finite (the message names
        its row and column).

    Notes
    -----
    Iteratively reweighted truncated SVDs [1]_. A stationary point: the problem is not convex. The objective
    is never above that of the truncated SVD. Results have the same bits for any number of threads.

    References
    ----------
    .. [1] G. Lerman and T. Maunu, "Fast, robust and non-convex subspace recovery", Information and
       Inference 7, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.lowrank import robust_subspace
    >>> from loewner.norms import Loss
    >>> a = np.random.default_rng(0).standard_normal((200, 5))
    >>> a[:9] *= 50
    >>> report = robust_subspace(a, 2, Loss.huber(1.0)).report
    >>> report.final_objective < report.initial_objective
    True
    """

__all__: list = ['EntrywiseLowRank', 'EntrywiseStart', 'EntrywiseStartObjective', 'LpFactorization', 'LpLowRank', 'LpRowProjection', 'RobustSubspace', 'RowProjection', 'distances_to_subspace', 'entrywise_low_rank', 'lp_factorization', 'lp_low_rank', 'lp_row_projection', 'robust_subspace']
