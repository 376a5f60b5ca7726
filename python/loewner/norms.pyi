"""Lewis weights, ellipsoids, robust losses and errors in l_p norms."""

from typing import Annotated

import numpy
from numpy.typing import NDArray

import loewner._core


class ApproximationErrors:
    """Sums over the entries of A and of A - B."""

    @property
    def norm_exponent(self) -> float: ...

    @property
    def squared_norm(self) -> float: ...

    @property
    def squared_error(self) -> float: ...

    @property
    def weighted_squared_norm(self) -> float: ...

    @property
    def weighted_squared_error(self) -> float: ...

    @property
    def weighted_power_norm(self) -> float: ...

    @property
    def weighted_power_error(self) -> float: ...

    @property
    def relative_error(self) -> float:
        """in the Frobenius norm"""

    @property
    def weighted_relative_error(self) -> float: ...

    @property
    def relative_lp_error(self) -> float:
        """in the weighted entrywise l_p norm"""

class EnclosingEllipsoid:
    @property
    def factor(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x d: factor^T factor = G = sum_i w_i a_i a_i^T"""

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n values >= 0 that sum to 1"""

    @property
    def largest(self) -> float:
        """max_i a_i^T G^-1 a_i >= d"""

    @property
    def report(self) -> loewner._core.FitReport:
        """objective: largest / d - 1"""

class LewisWeights:
    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n values; 0 for rows that do not count"""

    @property
    def q(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """Q = sum_i u_i^(2/p) w_i^(1-2/p) a_i a_i^T, d x d"""

    @property
    def rank(self) -> int:
        """numerical rank of Q"""

    @property
    def alpha(self) -> float: ...

    @property
    def omega(self) -> float: ...

    @property
    def certificate(self) -> float:
        """(alpha omega)^|1/p - 1/2|, at least the distortion"""

    @property
    def status(self) -> loewner._core.Status: ...

    @property
    def iterations(self) -> int: ...

class LoewnerEllipsoid:
    @property
    def factor(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """F, d x d"""

    @property
    def distortion(self) -> float:
        """c, proved for this F"""

    @property
    def report(self) -> loewner._core.FitReport:
        """objective: log volume relative to the first ellipsoid"""

class Loss:
    """A loss rho of a distance r >= 0."""

    @staticmethod
    def power(p: float, delta: float) -> Loss:
        """
        r^p for r >= delta; below it the parabola of the same slope, shifted to the same value
        """

    @staticmethod
    def huber(scale: float) -> Loss:
        """r^2/2 for r <= c, else c (r - c/2)"""

    @staticmethod
    def geman_mcclure(scale: float) -> Loss:
        """(r^2/2) / (1 + (r/c)^2)"""

    @staticmethod
    def tukey(scale: float) -> Loss:
        """c^2/6 (1 - (1 - (r/c)^2)^3) for r <= c, else c^2/6"""

    def value(self, r: float) -> float:
        """rho(r)"""

    def weight(self, r: float) -> float:
        """rho'(r) / r"""

def approximation_errors(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, norm_exponent: float = 2.0) -> ApproximationErrors:
    """
    All errors of B as an approximation of A, both n x d, in one pass over both.
    """

def certify_weights(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> LewisWeights:
    """
    Q, rank, alpha, omega and certificate for any weights >= 0 in place of Lewis weights.
    """

def enclosing_ellipsoid(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, epsilon: float = 1e-06, max_iterations: int = 100000) -> EnclosingEllipsoid:
    """
    The ellipsoid of minimum volume, centred at 0, that holds the points +-a_i, in its dual form (D-optimal design).
    """

def lewis_weights(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LewisWeights:
    """
    The l_p Lewis weights w of the rows, w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i, and the ellipsoid norm that they
    define, with a certificate: ||x||_Q and (sum_i u_i |a_i^T x|^p)^(1/p) agree up to the factor `certificate`.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. The certificate holds for the
    weights returned whatever the status is.
    """

def loewner_ellipsoid(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, epsilon: float = 0.01, max_iterations: int = 20000) -> LoewnerEllipsoid:
    """
    A small ellipsoid {x : ||F x||_2 <= 1} around {x : ||A x||_p <= 1}: ||F x||_2 <= ||A x||_p <= c ||F x||_2.

    a: n x d of rank d; norm_exponent: p in [1, infinity]. For small d; see lp_factorization for large ones.
    """

__all__: list = ['ApproximationErrors', 'EnclosingEllipsoid', 'LewisWeights', 'LoewnerEllipsoid', 'Loss', 'approximation_errors', 'certify_weights', 'enclosing_ellipsoid', 'lewis_weights', 'loewner_ellipsoid']
