"""
Lewis weights, ellipsoids, robust losses and errors in l_p norms.

`lewis_weights` and `loewner_ellipsoid` find an ellipsoid norm close to the norm ||A x||_p. `Loss` is a robust loss of
distances. `approximation_errors` measures an approximation.
"""

from typing import Annotated

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core


class ApproximationErrors:
    """
    Sums over the entries of A and of A - B.

    Attributes
    ----------
    norm_exponent : float
        p.
    squared_norm : float
        sum_i ||a_i||_2^2.
    squared_error : float
        sum_i ||a_i - b_i||_2^2.
    weighted_squared_norm : float
        sum_i u_i ||a_i||_2^2.
    weighted_squared_error : float
        sum_i u_i ||a_i - b_i||_2^2.
    weighted_power_norm : float
        sum_i u_i ||a_i||_p^p.
    weighted_power_error : float
        sum_i u_i ||a_i - b_i||_p^p.
    relative_error : float
        ||A - B||_F / ||A||_F.
    weighted_relative_error : float
        ||A - B|| / ||A|| in the weighted Frobenius norm.
    relative_lp_error : float
        ||A - B|| / ||A|| in the weighted entrywise l_p norm.
    """

    @property
    def norm_exponent(self) -> float:
        """p."""

    @property
    def squared_norm(self) -> float:
        """sum_i ||a_i||_2^2."""

    @property
    def squared_error(self) -> float:
        """sum_i ||a_i - b_i||_2^2."""

    @property
    def weighted_squared_norm(self) -> float:
        """sum_i u_i ||a_i||_2^2."""

    @property
    def weighted_squared_error(self) -> float:
        """sum_i u_i ||a_i - b_i||_2^2."""

    @property
    def weighted_power_norm(self) -> float:
        """sum_i u_i ||a_i||_p^p."""

    @property
    def weighted_power_error(self) -> float:
        """sum_i u_i ||a_i - b_i||_p^p."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

    @property
    def relative_error(self) -> float:
        """||A - B||_F / ||A||_F."""

    @property
    def weighted_relative_error(self) -> float:
        """||A - B|| / ||A|| in the weighted Frobenius norm."""

    @property
    def relative_lp_error(self) -> float:
        """||A - B|| / ||A|| in the weighted entrywise l_p norm."""

class EnclosingEllipsoid:
    """
    The ellipsoid of least volume that is centered at 0 and holds points.

    Attributes
    ----------
    factor : ndarray of shape (d, d)
        A factor of G: factor^T factor = G.
    weights : ndarray of shape (n,)
        Weights >= 0 with sum 1.
    largest : float
        max_i a_i^T G^-1 a_i >= d.
    report : FitReport
        Status and iterations; the objective is largest / d - 1.
    """

    @property
    def factor(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, d) A factor of G: factor^T factor = G."""

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) Weights >= 0 with sum 1."""

    @property
    def largest(self) -> float:
        """max_i a_i^T G^-1 a_i >= d."""

    @property
    def report(self) -> loewner._core.FitReport:
        """Status and iterations; the objective is largest / d - 1."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LewisWeights:
    """
    Weights of rows, and the ellipsoid norm that they define.

    ||x||_Q and (sum_i u_i |a_i^T x|^p)^(1/p) agree up to the factor `certificate` for all x.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        The weights; 0 for rows of zeros and rows without weight.
    q : ndarray of shape (d, d)
        Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T.
    rank : int
        Numerical rank of Q.
    alpha : float
        At least max_i u_i^(2/p) a_i^T Q^+ a_i / w_i^(2/p).
    omega : float
        Sum of the weights.
    certificate : float
        At least the distortion: (alpha omega)^|1/p - 1/2|.
    status : Status
        How the iteration ended.
    iterations : int
        Iterations taken.
    """

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) The weights; 0 for rows of zeros and rows without weight."""

    @property
    def q(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, d) Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T."""

    @property
    def rank(self) -> int:
        """Numerical rank of Q."""

    @property
    def alpha(self) -> float:
        """At least max_i u_i^(2/p) a_i^T Q^+ a_i / w_i^(2/p)."""

    @property
    def omega(self) -> float:
        """Sum of the weights."""

    @property
    def certificate(self) -> float:
        """At least the distortion: (alpha omega)^|1/p - 1/2|."""

    @property
    def status(self) -> loewner._core.Status:
        """How the iteration ended."""

    @property
    def iterations(self) -> int:
        """Iterations taken."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LoewnerEllipsoid:
    """
    The ellipsoid {x : ||F x||_2 <= 1} around {x : ||A x||_p <= 1}.

    Attributes
    ----------
    factor : ndarray of shape (d, d)
        F.
    distortion : float
        c, proved for this F.
    report : FitReport
        Status and iterations; the objective is the log volume relative to the first ellipsoid.
    """

    @property
    def factor(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, d) F."""

    @property
    def distortion(self) -> float:
        """c, proved for this F."""

    @property
    def report(self) -> loewner._core.FitReport:
        """
        Status and iterations; the objective is the log volume relative to the first ellipsoid.
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class Loss:
    """
    A loss rho(r) of a distance r >= 0, for `loewner.lowrank.robust_subspace`.

    A class method makes each loss. Its scale is in the units of the distances.

    Notes
    -----
    Reweighted least squares gives a row at distance r the weight rho'(r) / r [1]_.

    References
    ----------
    .. [1] P. J. Huber and E. M. Ronchetti, "Robust statistics", 2nd edition, Wiley, 2009.

    Examples
    --------
    >>> from loewner.norms import Loss
    >>> huber = Loss.huber(1.0)
    >>> huber
    Loss.huber(1.0)
    >>> huber.value(3.0), huber.weight(0.5), huber.weight(2.0)
    (2.5, 1.0, 0.5)
    """

    @staticmethod
    def power(p: float, delta: float) -> Loss:
        """
        Make the loss r^p.

        Parameters
        ----------
        p : float
            Exponent >= 1.
        delta : float
            For p < 2, delta > 0 and the loss of r < delta is the parabola a + b r^2 that has the value and the
            slope of r^p at delta. For p >= 2, delta is ignored.

        Returns
        -------
        Loss
            The loss.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """

    @staticmethod
    def huber(scale: float) -> Loss:
        """
        Make the Huber loss: r^2/2 for r <= c, c (r - c/2) beyond.

        Parameters
        ----------
        scale : float
            c > 0.

        Returns
        -------
        Loss
            The loss.

        Raises
        ------
        ValueError
            If the scale is not positive and finite.
        """

    @staticmethod
    def geman_mcclure(scale: float) -> Loss:
        """
        Make the Geman-McClure loss (r^2/2) / (1 + (r/c)^2), which stays below c^2/2.

        Parameters
        ----------
        scale : float
            c > 0.

        Returns
        -------
        Loss
            The loss.

        Raises
        ------
        ValueError
            If the scale is not positive and finite.
        """

    @staticmethod
    def tukey(scale: float) -> Loss:
        """
        Make Tukey's loss: c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, c^2/6 beyond.

        Parameters
        ----------
        scale : float
            c > 0.

        Returns
        -------
        Loss
            The loss.

        Raises
        ------
        ValueError
            If the scale is not positive and finite.
        """

    def value(self, r: float) -> float:
        """
        Evaluate rho(r).

        Parameters
        ----------
        r : float
            Distance >= 0.

        Returns
        -------
        float
            rho(r).
        """

    def weight(self, r: float) -> float:
        """
        Evaluate rho'(r) / r, the weight of reweighted least squares.

        Parameters
        ----------
        r : float
            Distance >= 0.

        Returns
        -------
        float
            rho'(r) / r.
        """

    def __repr__(self) -> str: ...

def approximation_errors(a: numpy.typing.ArrayLike, b: numpy.typing.ArrayLike, *, row_weights: numpy.typing.ArrayLike | None = None, norm_exponent: float = 2.0) -> ApproximationErrors:
    """
    Measure all errors of an approximation in one pass.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix A, computed with in float32.
    b : array_like of shape (n, d)
        The approximation B.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    norm_exponent : float
        p >= 1, finite.

    Returns
    -------
    ApproximationErrors
        Sums over the entries of A and of A - B, and relative errors.

    Raises
    ------
    ValueError
        If shapes differ, a weight is negative or not finite, or p is out of range.

    Notes
    -----
    Differences are float32, their powers and all sums float64. Results have the same bits for any number
    of threads.

    Examples
    --------
    >>> from loewner.norms import approximation_errors
    >>> approximation_errors([[3.0, 4.0]], [[3.0, 3.0]]).relative_error
    0.2
    """

def certify_weights(a: numpy.typing.ArrayLike, weights: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None) -> LewisWeights:
    """
    Compute the certificate of any weights in place of Lewis weights.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    weights : array_like of shape (n,)
        Weights w_i >= 0.
    norm_exponent : float
        p >= 1, finite.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.

    Returns
    -------
    LewisWeights
        Q, rank, alpha, omega and certificate. The certificate is infinite if a row that is not 0 has
        weight 0.

    Raises
    ------
    ValueError
        As in `lewis_weights`, and if `weights` has another length or a negative entry.

    Notes
    -----
    The inequalities are those of `lewis_weights` [1]_, with the given weights in Q.

    References
    ----------
    .. [1] D. R. Lewis, "Finite dimensional subspaces of L_p", Studia Mathematica 63, 1978.

    Examples
    --------
    >>> from loewner.norms import certify_weights
    >>> certify_weights([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], norm_exponent=1).rank
    2
    """

def enclosing_ellipsoid(a: numpy.typing.ArrayLike, *, epsilon: float = 1e-06, max_iterations: int = 100000) -> EnclosingEllipsoid:
    """
    Find the ellipsoid of least volume that is centered at 0 and holds points.

    Finds weights w >= 0 with sum 1 that maximize log det G, G = sum_i w_i a_i a_i^T (D-optimal design).
    {y : y^T G^-1 y <= largest} holds every point +-a_i.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The points, of rank d, computed with in float32.
    epsilon : float
        The goal is largest <= (1 + epsilon) d.
    max_iterations : int
        Limit of steps.

    Returns
    -------
    EnclosingEllipsoid
        The weights and a factor of G.

    Raises
    ------
    ValueError
        If the rank is below d, an option is out of range, or an entry is not finite.

    Notes
    -----
    Coordinate ascent with away steps [1]_. On convergence the volume is at most (1 + epsilon)^(d/2) times
    the least one.

    References
    ----------
    .. [1] M. J. Todd and E. A. Yildirim, "On Khachiyan's algorithm for the computation of minimum-volume
       enclosing ellipsoids", Discrete Applied Mathematics 155, 2007.

    Examples
    --------
    >>> from loewner.norms import enclosing_ellipsoid
    >>> enclosing_ellipsoid([[2.0, 0.0], [0.0, 1.0], [0.1, 0.1]]).weights.round(3)
    array([0.5, 0.5, 0. ])
    """

def lewis_weights(a: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, row_weights: numpy.typing.ArrayLike | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LewisWeights:
    """
    Compute the l_p Lewis weights of the rows of a matrix.

    They satisfy w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i with Q(w) = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T,
    and make ||x||_Q the best such norm for (sum_i u_i |a_i^T x|^p)^(1/p).

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    norm_exponent : float
        p >= 1, finite.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    max_iterations : int
        Limit of the fixed-point iteration.
    tolerance : float
        Stops one step after the certificate is within this fraction of its limit.

    Returns
    -------
    LewisWeights
        The weights, Q and the certificate.

    Raises
    ------
    ValueError
        If p is out of range, a weight is negative, or an entry is not finite (the message names its row
        and column).

    Notes
    -----
    Fixed point on leverage scores of the reweighted rows [1]_, damped for p > 2. The certificate holds for
    the returned weights with any status. Cost: 2 n d^2 flops in float32 per iteration. Results have the
    same bits for any number of threads.

    References
    ----------
    .. [1] M. B. Cohen and R. Peng, "l_p row sampling by Lewis weights", STOC 2015.

    Examples
    --------
    >>> from loewner.norms import lewis_weights
    >>> found = lewis_weights([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], norm_exponent=1)
    >>> found.weights.round(1)
    array([1. , 0.5, 0.5])
    >>> found.certificate <= 1.5
    True
    """

def loewner_ellipsoid(a: numpy.typing.ArrayLike, *, norm_exponent: float = 1.0, epsilon: float = 0.01, max_iterations: int = 20000) -> LoewnerEllipsoid:
    """
    Find a small ellipsoid around the unit ball of x -> ||A x||_p.

    Finds F with ||F x||_2 <= ||A x||_p <= c ||F x||_2 for all x.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, of rank d, computed with in float32.
    norm_exponent : float
        p in [1, infinity].
    epsilon : float
        The goal is c <= (1 + epsilon) sqrt(d), which the smallest ellipsoid attains.
    max_iterations : int
        Limit of cuts.

    Returns
    -------
    LoewnerEllipsoid
        F and its distortion c.

    Raises
    ------
    ValueError
        If the rank is below d, an option is out of range, or an entry is not finite.

    Notes
    -----
    Pairs of parallel cuts [1]_; p = infinity uses `enclosing_ellipsoid`. Both inequalities are proved for
    the returned F, up to rounding. For small d: `loewner.lowrank.lp_factorization` is faster.

    References
    ----------
    .. [1] M. J. Todd, "On minimum volume ellipsoids containing part of a given ellipsoid", Mathematics of
       Operations Research 7, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.norms import loewner_ellipsoid
    >>> bool(loewner_ellipsoid(np.eye(4), norm_exponent=1).distortion <= 1.01 * 2)
    True
    """

__all__: list = ['ApproximationErrors', 'EnclosingEllipsoid', 'LewisWeights', 'LoewnerEllipsoid', 'Loss', 'approximation_errors', 'certify_weights', 'enclosing_ellipsoid', 'lewis_weights', 'loewner_ellipsoid']
