"""The C++ core of loewner. Arrays are taken and given without copies."""

from collections.abc import Callable, Sequence
import enum
import os
from typing import Annotated, Any, overload

import numpy
from numpy.typing import NDArray


def version() -> str:
    """Of the package and of its command line."""

class IoError(OSError):
    pass

class BudgetError(RuntimeError):
    pass

def num_threads() -> int:
    """
    Threads that computations use: at first the processors this process may run on.
    """

def set_num_threads(count: int) -> None:
    """Sets it for the whole process. Results do not depend on it."""

class Status(enum.Enum):
    """
    How an iterative solver ended; its result is usable after each of these.
    """

    converged = 0
    """the stopping rule was met"""

    max_iterations = 1
    """the iteration limit came first; the best iterate is returned"""

    stalled = 2
    """no further decrease is possible in floating point"""

    breakdown = 3
    """a step could not be computed; the last good iterate is returned"""

class FitReport:
    """What an iterative fit reports besides its result."""

    @property
    def status(self) -> Status: ...

    @property
    def iterations(self) -> int: ...

    @property
    def initial_objective(self) -> float: ...

    @property
    def final_objective(self) -> float: ...

    @property
    def detail(self) -> str: ...

class SvdRoute(enum.Enum):
    """How the right singular vectors are found."""

    automatic = 0
    """gram, and direct when sigma_rank lies below 1e-5 sigma_1"""

    gram = 1
    """eigenvectors of A^T W A: fastest; squares the condition number"""

    direct = 2
    """QR, then the SVD of R: some 4 x slower; keeps small singular values"""

    krylov = 3
    """block Krylov: the leading vectors alone, to within eps"""

class RightSingularVectors:
    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """all min(n, d), descending; rank of them by krylov"""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """rank (or vectors) x d, orthonormal rows"""

    @property
    def route(self) -> SvdRoute:
        """the route taken"""

    @property
    def residual_norm(self) -> float:
        """
        root of the sum of the squares of the singular values that are not there
        """

def truncated_svd(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, route: SvdRoute = SvdRoute.automatic, eps: float = 0.0, vectors: int = 0) -> RightSingularVectors:
    """
    The subspace that minimises sum_i w_i ||a_i - V V^T a_i||^2 over V with `rank` orthonormal columns: the
    truncated SVD of sqrt(W) A. The best matrix of that rank is project_rows(a, vt) @ vt.

    a: n x d; row_weights: n values >= 0, all ones if None; eps: relative excess of the error that may be left to
    save work, by block Krylov or products in float32; vectors: rows of vt, rank if 0.
    The same bits for any number of threads.
    """

def project_rows(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], vt: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """
    A V for orthonormal V given by its transpose (k x d): the left factor of the projection of the rows, n x k.
    """

class SparseRows:
    """
    A sparse matrix in compressed rows over arrays in memory, which are not copied and must not
    change: row i holds values[k] in column columns[k] for row_offsets[i] <= k < row_offsets[i + 1].
    Of a scipy.sparse matrix in CSR form these are indptr (as int64), indices and data.
    """

    @overload
    def __init__(self, cols: int, row_offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    @overload
    def __init__(self, cols: int, row_offsets: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> None: ...

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...

def default_nonzeros(rows: int, dimension: int) -> int:
    """
    Non-zeros per column of an embedding of `dimension` dimensions in `rows` rows: 8 below 4 x dimension, else 4.
    """

def embedding_for_distortion(dimension: int, distortion: float, slack: float = 0.5) -> tuple[int, int]:
    """
    (rows, nonzeros) of an embedding whose singular values on a subspace of `dimension` dimensions lie within
    `distortion` of 1: (1 + slack) dimension / distortion^2 rows, the optimal number up to the slack.
    """

class SparseSignEmbedding:
    """
    A random rows x cols matrix S with ||S x|| close to ||x|| on every fixed subspace of dimension well below rows:
    `nonzeros` entries +-1/sqrt(nonzeros) per column, at random places. It is never stored.
    """

    def __init__(self, rows: int, cols: int, *, nonzeros: int = 8, seed: int = 0) -> None: ...

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...

    @property
    def nonzeros(self) -> int:
        """per column"""

    def apply(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """S A, float64. The same bits for any number of threads."""

    def apply_right(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """A S^T, float64."""

class LessEmbedding:
    """
    A random matrix S with E(S^T S) = I whose few non-zeros sit where the rows of a known matrix matter: some
    `row_nonzeros` in each row, column j with a probability that grows with its leverage score.
    """

    def __init__(self, scores: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], rows: int, *, row_nonzeros: float = 16.0, uniform_share: float = -1.0, seed: int = 0) -> None:
        """
        scores: n values >= 0; uniform_share: mass of the uniform distribution that is mixed in, relative to the sum
        of the scores; negative: as much as the scores have.
        """

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...

    def apply(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """S A, float64."""

class LeverageMethod(enum.Enum):
    """How leverage scores are computed."""

    exact = 0
    """to rounding"""

    sketched = 1
    """within a small factor, faster for many columns"""

class LeverageScores:
    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n values in [0, 1]"""

    @property
    def rank(self) -> int:
        """numerical rank of A; the exact scores add up to it"""

def leverage_scores(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, *, method: LeverageMethod = LeverageMethod.exact, sketch_rows: int = 0, projections: int = 12, seed: int = 0) -> LeverageScores:
    """
    The leverage scores l_i = max_x |a_i^T x|^2 / ||A x||^2 of the rows of A, of any shape and rank.

    sketch_rows: at least d, 0 for 4 d; projections: Gaussian vectors that the sketched method measures rows with.
    """

class LeastSquares:
    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x k"""

    @property
    def residual_norms(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||A x - b|| of each column"""

    @property
    def backward_errors(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """relative to ||A||_F, estimated"""

    @property
    def rank(self) -> int:
        """numerical rank of A"""

    @property
    def report(self) -> FitReport: ...

def least_squares(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, tolerance: float = 1e-14, max_iterations: int = 200, sketch_rows: int = 0, nonzeros: int = 0, seed: int = 0) -> LeastSquares:
    """
    The X of least norm among those that minimise ||A X - B||_F, by LSQR on a matrix that a sketch has made well
    conditioned: as accurate as a QR factorisation, and faster for tall A.

    a: n x d; b: n x k or n values; tolerance: backward error relative to ||A||_F; sketch_rows: at least d, 0 for 3 n / d between
    4 d and 32 d. The same bits for any number of threads.
    """

class ResidualCurve:
    @property
    def frobenius_norm(self) -> float: ...

    @property
    def residual(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||A - A_k||_F for k = 0 ... max_rank, estimated"""

    @property
    def standard_deviations(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """of one sketch's estimates over the repetitions"""

    @property
    def sketch_size(self) -> int: ...

def estimate_residuals(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0, correct_bias: bool = True) -> ResidualCurve:
    """
    The least error ||A - B||_F of every rank up to max_rank, estimated from one small sketch in one pass.

    sketch_size: m, at least 2 max_rank, 0 for max(64, 5 max_rank); repetitions: 3 for error bars; correct_bias: for what
    the leading directions of a sketch take from the others, without which the estimates are too low.
    """

class ProbedNorm:
    @property
    def norm(self) -> float: ...

    @property
    def standard_error(self) -> float: ...

def probe_residual(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, u: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], v: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, probes: int = 16, seed: int = 0) -> ProbedNorm:
    """
    An estimate of ||A - U V^T||_F with its standard error, from products with Gaussian vectors.

    a: n x d; u: n x k; v: d x k.
    """

class BilinearSketch:
    """
    What estimate_residuals needs to know of a matrix, for one that arrives as blocks of rows or single changes, or at
    several places.
    """

    def __init__(self, rows: int, cols: int, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0) -> None: ...

    def update(self, i: int, j: int, change: float) -> None:
        """a_ij += change"""

    def add_block(self, first_row: int, block: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows) -> None:
        """Adds the block to the rows first_row, first_row + 1, ..."""

    def merge(self, other: BilinearSketch) -> None:
        """Adds the other sketch's matrix; options must be the same."""

    def curve(self, frobenius_norm: float | None = None) -> ResidualCurve:
        """frobenius_norm: of the matrix, if it is known; else estimated too."""

class VectorResidualSketch:
    """
    Estimates of ||x - x_k||_p, x_k the best k-sparse approximation, p > 2, of a long x that arrives as changes.
    """

    def __init__(self, size: int, max_terms: int, *, norm_exponent: float = 4.0, seed: int = 0) -> None: ...

    def update(self, i: int, change: float) -> None:
        """x_i += change"""

    def merge(self, other: VectorResidualSketch) -> None:
        """Adds the other sketch's vector."""

    def estimate(self, num_terms: int) -> float:
        """||x - x_k||_p for k = num_terms."""

class KrylovSvd:
    """A rank-k approximation (u * singular_values) @ vt = A V V^T."""

    @property
    def u(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """n x k, orthonormal columns"""

    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """k, descending; none above that of A"""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """k x d, orthonormal rows"""

    @property
    def residual_norm(self) -> float:
        """
        ||A - A V V^T||_F; where ||A||_F is not known or leaves no digits, from 16 probes
        """

    @property
    def excess_estimate(self) -> float:
        """
        of the Schatten-p error over the best one, relative; infinite where nobody looked
        """

    @property
    def numerical_rank(self) -> int:
        """how many of the k singular values are above rounding"""

    @property
    def products(self) -> int:
        """of A and of A^T with one vector"""

    @property
    def status(self) -> Status:
        """converged, or max_iterations when max_products came first"""

def block_krylov(a: Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows | object, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.01, vector_tolerance: float = 0.0, block: int = 0, steps: int = 0, max_products: int = 0, max_bytes: int = 0, closing_check: bool = True, seed: int = 0) -> KrylovSvd:
    """
    Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp, B of rank k,
    from products with A and A^T only; ||.||_Sp is the l_p norm of the singular values.

    Shapes    a: n x d, an array of float16, float32 or float64 (not copied), SparseRows, a scipy.sparse matrix, or
              whatever has shape, matmat and rmatmat, as scipy.sparse.linalg.LinearOperator has: these get and give
              float64 arrays of some columns. Result: u n x k, vt k x d.
    Units     eps: excess of the error over the best one, relative. vector_tolerance: also wanted of every vector,
              ||A^T u - sigma v|| <= vector_tolerance sigma_1; 0: not asked.
    Method    block Krylov space of A^T A with full re-orthogonalisation and Rayleigh-Ritz [MuscoMusco2015], `block`
              vectors a step (0: 8, 4 for k < 8, 16 for float32 products). It stops when what is left to gain is
              worth less than eps, and so is what a quarter of the block adds to the others (closing_check).
              steps = q > 0: exactly q steps.
    Cost      2 `block` products per step, which read an array once; 8 block (n + d) m flops beside them for a basis
              of m vectors; memory 8 (n + d) m bytes, m <= products / 2, at most max_bytes (0: 1 GiB), beyond which
              it restarts. max_products: 0 for 8 (min(n, d) + block + 2).
    Accuracy  a heuristic stop, tested against the SVD over many seeds; schatten_low_rank has a guarantee. Where the
              best error is below 1e-6 ||A||_F, eps has no meaning.
    Random    the same bits for the same seed and any number of threads.
    Errors    ValueError on an option outside its range, an entry or a product that is not finite (row and column or
              row are named), or a product of the wrong shape. What matmat or rmatmat raises passes unchanged.
    """

def sketch_rows_for(rank: int, eps: float) -> int:
    """Rows of the sketch that sketched_svd takes by default: 3 rank / eps."""

def sketched_svd(a: Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows | object, rank: int, *, eps: float = 0.01, rows: int = 0, steps: int = 0, seed: int = 0) -> KrylovSvd:
    """
    Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F, B of rank k, in
    two reads of a tall A where that is enough.

    Shapes    as in block_krylov.
    Method    the leading right singular vectors of a sketch S A of `rows` rows (0: sketch_rows_for(rank, eps)). They
              are taken when their error is within eps of what the sketch itself leaves over; else they are where
              block_krylov starts. Where A has fewer than 4 times as many rows, and for sparse matrices, float64 and
              operators, block_krylov does all. steps: 0, or exactly so many of block_krylov on the sketch, whose
              vectors are then taken as they are (excess_estimate: infinite).
    Cost      n d additions, 2 n d k flops and block_krylov of the sketch; memory 8 rows d and 16 (n + d) k bytes.
    Accuracy  the excess is about k / (2 rows); excess_estimate is some 2 to 4 times the true one.
    Random    the same bits for the same seed and any number of threads.
    Errors    as in block_krylov.
    """

class SchattenPlan:
    """
    The two Krylov spaces of schatten_low_rank: one of small blocks and many steps, one of large blocks and few.
    """

    @property
    def small_block(self) -> int: ...

    @property
    def many_steps(self) -> int: ...

    @property
    def large_block(self) -> int: ...

    @property
    def few_steps(self) -> int: ...

    @property
    def products(self) -> int:
        """with single vectors, unless the spaces fill R^d before"""

def schatten_plan(size: int, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.1, constant: float = 0.25) -> SchattenPlan:
    """
    What schatten_low_rank will do with a matrix whose smaller side is `size`: blocks of k + 2 vectors for
    c log(size / eps) p^(1/6) eps^(-1/3) steps, and of k p^(-1/3) eps^(-1/3) for c log(size / eps) p^(1/2).
    """

def schatten_low_rank(a: Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows | object, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.1, constant: float = 0.25, seed: int = 0) -> KrylovSvd:
    """
    Finds what block_krylov does, for any p in [1, infinity], in a number of products that is fixed beforehand and
    grows as eps^(-1/3) for constant p.

    Shapes    as in block_krylov; eps in (0, 1].
    Method    two block sizes, and the best of the sum of both spaces [BakshiClarksonWoodruff2022].
    Cost      schatten_plan(min(n, d), rank, ...).products, and 16 more where ||A||_F is not known; memory 4 (n + d)
              bytes per product.
    Accuracy  with high probability over the seed, for a large enough constant; the default one is tested for p = 1,
              2, infinity. excess_estimate is eps.
    Random    the same bits for the same seed and any number of threads.
    Errors    as in block_krylov.
    """

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
    def status(self) -> Status: ...

    @property
    def iterations(self) -> int: ...

def lewis_weights(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LewisWeights:
    """
    The l_p Lewis weights w of the rows, w_i^(2/p) = u_i^(2/p) a_i^T Q(w)^-1 a_i, and the ellipsoid norm that they
    define, with a certificate: ||x||_Q and (sum_i u_i |a_i^T x|^p)^(1/p) agree up to the factor `certificate`.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. The certificate holds for the
    weights returned whatever the status is.
    """

def certify_weights(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None) -> LewisWeights:
    """
    Q, rank, alpha, omega and certificate for any weights >= 0 in place of Lewis weights.
    """

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
    def status(self) -> Status: ...

    @property
    def iterations(self) -> int: ...

    def error_bound(self, rank: int) -> float:
        """
        An upper bound of (sum_i u_i ||a_i - V_k V_k^T a_i||_p^p)^(1/p) for the leading `rank` rows of vt.
        """

def lp_factorization(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 5, tolerance: float = 0.05) -> LpFactorization:
    """
    F = diag(scales) vt with ||F x||_2 <= (sum_i u_i |a_i^T x|^p)^(1/p) <= distortion ||F x||_2 for all x.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None. p = 2 is the SVD.
    """

class RowProjection(enum.Enum):
    """How the rows are projected on the subspace once it is chosen."""

    orthogonal = 0
    """one product"""

    lp = 1
    """the closest point in the l_p norm: never worse, much slower"""

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
    def status(self) -> Status: ...

def lp_low_rank(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, row_projection: RowProjection = RowProjection.orthogonal) -> LpLowRank:
    """
    left @ right of the given rank that makes sum_i u_i ||a_i - b_i||_p^p small, by lp_factorization, with bounds on
    both sides: lower_bound <= error <= upper_bound up to float32 rounding.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.
    """

class LpRowProjection:
    @property
    def left(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """n x k"""

    @property
    def report(self) -> FitReport:
        """objective: sum_i ||a_i - left_i right||_p^p"""

def lp_row_projection(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], right: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, max_iterations: int = 30, tolerance: float = 0.0001) -> LpRowProjection:
    """
    The left factor (n x k) of the best approximation of each row in the l_p norm: min_z ||a_i - z right||_p.

    a: n x d; right: k x d, of any rank, k <= d; norm_exponent: p >= 1.
    """

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

def approximation_errors(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, norm_exponent: float = 2.0) -> ApproximationErrors:
    """
    All errors of B as an approximation of A, both n x d, in one pass over both.
    """

class RobustRegression:
    """Regressions on one design, one per column of b."""

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x t"""

    @property
    def objectives(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """t values, recomputed from x and a"""

    @property
    def lower_bounds(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """t values: no x has a smaller objective"""

    @property
    def statuses(self) -> list[Status]:
        """t values"""

    @property
    def rank(self) -> int:
        """numerical rank of the rows with weight"""

    @property
    def iterations(self) -> int:
        """the most that a column took"""

    @property
    def converged(self) -> bool:
        """all columns did"""

def lp_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    min over x of (sum_i u_i |a_i^T x - b_ij|^p)^(1/p) for every column j of b, with a lower bound of each minimum; for
    p = infinity max_i u_i |a_i^T x - b_ij|.

    a: n x d; b: n x t or n values; norm_exponent: p >= 1, math.inf too; row_weights: u, n values >= 0, all ones if None;
    tolerance: of the duality gap, relative to the objective. The same bits for any number of threads.
    """

def huber_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], scale: float, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, tolerance: float = 1e-09, max_iterations: int = 500) -> RobustRegression:
    """
    min over x of sum_i u_i rho(a_i^T x - b_ij) for every column j of b, rho the Huber loss: r^2/2 for |r| <= scale,
    scale (|r| - scale/2) beyond.
    """

class ShrunkRegression:
    """A correction fitted to some rows of a known design."""

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """k x t; 0 where no fit would help"""

    @property
    def shrinkage(self) -> float:
        """lambda; infinity where x = 0"""

    @property
    def estimated_ratio(self) -> float:
        """of what x leaves of all rows, drawn or not, to what x = 0 leaves"""

def shrunk_regression(a: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], b: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], metric: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 2.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, probabilities: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, folds: int = 5, seed: int = 0) -> ShrunkRegression:
    """
    min over x of sum_i (u_i / q_i) |a_i^T x - b_i|^p + lambda |L x|^p, L^T L = metric, with the lambda that leaves
    least on all rows of the design, of which row i was drawn with probability q_i.

    a: m x k; b: m x t, what is left to correct; metric: k x k, of the whole design: Q of lewis_weights.
    """

class LabelImportance(enum.Enum):
    """What makes a row worth a label."""

    lewis = 0
    """its Lewis weight: the choice for l_p regression"""

    leverage = 1
    """its leverage score: that of p = 2"""

    sensitivity = 2
    """loss_sensitivities: the choice for Huber regression"""

    uniform = 3
    """all alike"""

class SamplingScheme(enum.Enum):
    """How rows are drawn."""

    pivotal = 0
    """as many labels as the budget, spread over the rows' space"""

    poisson = 1
    """each row by itself: the number of labels varies"""

class LabelPlan:
    """The rows to label, and what they stand for."""

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """that each row had"""

    @property
    def num_rows(self) -> int:
        """of the design"""

    @property
    def norm_exponent(self) -> float: ...

    @property
    def rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """ascending, each once"""

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """1 / probabilities"""

    def to_csv(self) -> str:
        """The plan as text; from_csv gives it back."""

    @staticmethod
    def from_csv(text: str, name: str = 'label plan') -> LabelPlan:
        """
        Raises IoError, which names the line, on anything that to_csv does not write.
        """

def label_budget(rows: int, cols: int, norm_exponent: float, epsilon: float) -> int:
    """
    Labels for an objective within 1 + epsilon of the least one, as a rule of thumb.
    """

def plan_labels(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, budget: int, *, norm_exponent: float = 1.0, importance: LabelImportance = LabelImportance.lewis, scheme: SamplingScheme = SamplingScheme.pivotal, seed: int = 0) -> LabelPlan:
    """
    Chooses rows whose labels suffice for min over x of ||a x - b||_p, row i with probability
    min(1, c importance_i), the c that meets the budget.
    """

def loss_sensitivities(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, growth_exponent: float, *, seed: int = 0) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """
    For each row about how large its share of sum_k M(a_k^T x) can be at any x, for every loss M that increases with
    |r| and grows at most like |r|^growth_exponent.
    """

class PlannedFit:
    """A regression on the rows of a plan alone."""

    @property
    def regression(self) -> RobustRegression:
        """its objectives estimate those of all rows"""

    @property
    def num_dropped(self) -> list[int]:
        """labels without weight in the second stage, by column"""

def fit_plan(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, plan: LabelPlan, labels: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> PlannedFit:
    """
    l_p regression on the rows of the plan, each with weight 1 / probability.

    labels: one row for each of plan.rows, t columns or none; unfittable_share: epsilon > 0 for a second stage
    without the labels that no good fit can meet.
    """

class ActiveRegression:
    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """d x t"""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """ascending: each was asked for once"""

    @property
    def runs(self) -> list[int]:
        """the run that was chosen, by column"""

    @property
    def fits(self) -> list:
        """one PlannedFit per run"""

def active_lp_regression(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, labels: Callable, budget: int, *, norm_exponent: float = 1.0, importance: LabelImportance = LabelImportance.lewis, scheme: SamplingScheme = SamplingScheme.pivotal, seed: int = 0, runs: int = 1, tolerance: float = 1e-09, unfittable_share: float = 0.0) -> ActiveRegression:
    """
    l_p regression from few labels.

    labels: a function that is called once, with the ascending numbers of all rows to label, and returns one label or
    one row of labels for each; what it raises comes through. runs: odd; the budget is shared by so many independent
    plans, and the solution in their middle is taken, which needs no further labels.
    """

class OnlineActiveRegression:
    """
    l_p regression on rows that arrive one after the other: whether a row gets a label is decided when it arrives.
    """

    def __init__(self, cols: int, budget: int, expected_rows: int, *, norm_exponent: float = 1.0, seed: int = 0) -> None: ...

    def offer(self, row: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> bool:
        """
        True when the row is to be labelled, by add_label before the next offer.
        """

    def add_label(self, label: float) -> None: ...

    def fit(self, *, tolerance: float = 1e-09) -> RobustRegression:
        """The regression on the labelled rows, each with weight 1 / probability."""

    @property
    def num_rows(self) -> int:
        """offered so far"""

    @property
    def labeled_rows(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...

    @property
    def probabilities(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]: ...

    @property
    def exhausted(self) -> bool:
        """a row that should have had a chance came after the budget was spent"""

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

class RobustSubspace:
    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """rank x d, orthonormal rows"""

    @property
    def report(self) -> FitReport:
        """objective: sum_i u_i rho(distance of row i)"""

def robust_subspace(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, loss: Loss, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, max_iterations: int = 50, tolerance: float = 1e-06) -> RobustSubspace:
    """
    A subspace that makes sum_i u_i rho(||a_i - V V^T a_i||_2) small over V with `rank` orthonormal columns; never
    above the objective of the truncated SVD.

    a: n x d; loss: rho, in the units of the distances; row_weights: u, n values >= 0, all ones if None.
    """

def distances_to_subspace(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], vt: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
    """||a_i - V V^T a_i||_2 for all rows; vt: k x d, orthonormal rows."""

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
    def report(self) -> FitReport:
        """objective: sum_i u_i ||a_i - b_i||_p^p"""

def entrywise_low_rank(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, norm_exponent: float = 1.0, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, refined_starts: int = 2, max_iterations: int = 60, tolerance: float = 1e-05) -> EntrywiseLowRank:
    """
    left @ right of rank at most `rank` that makes sum_ij u_i |a_ij - b_ij|^p small: slower and closer than
    lp_low_rank, never worse than the truncated SVD.

    a: n x d; norm_exponent: p >= 1; row_weights: u, n values >= 0, all ones if None.
    """

class LoewnerEllipsoid:
    @property
    def factor(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """F, d x d"""

    @property
    def distortion(self) -> float:
        """c, proved for this F"""

    @property
    def report(self) -> FitReport:
        """objective: log volume relative to the first ellipsoid"""

def loewner_ellipsoid(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, norm_exponent: float = 1.0, epsilon: float = 0.01, max_iterations: int = 20000) -> LoewnerEllipsoid:
    """
    A small ellipsoid {x : ||F x||_2 <= 1} around {x : ||A x||_p <= 1}: ||F x||_2 <= ||A x||_p <= c ||F x||_2.

    a: n x d of rank d; norm_exponent: p in [1, infinity]. For small d; see lp_factorization for large ones.
    """

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
    def report(self) -> FitReport:
        """objective: largest / d - 1"""

def enclosing_ellipsoid(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], *, epsilon: float = 1e-06, max_iterations: int = 100000) -> EnclosingEllipsoid:
    """
    The ellipsoid of minimum volume, centred at 0, that holds the points +-a_i, in its dual form (D-optimal design).
    """

class ProjectiveClustering:
    @property
    def cluster_of_row(self) -> Annotated[NDArray[numpy.uint8], dict(shape=(None,))]:
        """n values below num_clusters"""

    @property
    def bases(self) -> list[Annotated[NDArray[numpy.float64], dict(shape=(None, None))]]:
        """num_clusters of dimension x d, orthonormal rows"""

    @property
    def report(self) -> FitReport:
        """
        objective: sum_i u_i min(distance of row i^q, t); the initial one is that of a single subspace
        """

def projective_clustering(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], num_clusters: int, dimension: int, *, exponent: float = 2.0, truncation: float = float('inf'), row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, num_restarts: int = 3, max_iterations: int = 50, tolerance: float = 0.0003, seed: int = 0) -> ProjectiveClustering:
    """
    Subspaces through the origin, and one of them for every row, that make sum_i u_i min(dist(a_i, S_c(i))^q, t)
    small; never above the best single subspace.

    a: n x d; exponent: q, 1 or 2; truncation: t > 0; row_weights: u, n values >= 0, all ones if None.
    """

class HeavyKeys:
    """The keys that may have a large weight for some query."""

    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n values: no query gives key j a larger weight"""

    @property
    def indices(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """kept, ascending"""

    @property
    def rank(self) -> int:
        """numerical rank of the keys, or of their symmetric powers"""

    @property
    def certified_eps(self) -> float:
        """every weight above it, for any query, is of a kept key"""

def select_heavy_keys(keys: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)], *, eps: float | None = None, max_keys: int | None = None, power: float = 2.0, protect_first: int = 0, protect_last: int = 0, ridge: float = 0.0, center: bool = False) -> HeavyKeys:
    """
    The keys that may have a weight of eps, |<q, k_j>|^power / sum_l |<q, k_l>|^power, for some query q; or the
    max_keys ones of the highest bounds.

    keys: n x d, float32 or float16. Exact for power 2, bounds for others. Says nothing of softmax weights.
    """

class SelectedAttention:
    """Attention over some of the keys."""

    @property
    def output(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """n_q x d_v"""

    @property
    def captured_mass(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """by query: share of all keys' weights that the selected ones have"""

def attend_selected(queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], keys: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], indices: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, power: float | None = None, scale: float = 1.0) -> SelectedAttention:
    """
    sum over the chosen keys of w_ij v_j: with a power w_ij = |<q_i, k_j>|^power over its sum for all keys; without
    softmax of scale <q_i, k_j> over the chosen keys.
    """

class KeptKeys:
    """What a stream of heavy keys holds."""

    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """m values"""

    @property
    def keys(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """m x d"""

    @property
    def values(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """m x d_v"""

    @property
    def indices(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """of the keys in the stream, ascending"""

    @property
    def rank(self) -> int: ...

class HeavyKeyStream:
    """The heavy keys of everything pushed so far, in one pass, exactly."""

    def __init__(self, key_cols: int, value_cols: int, *, eps: float = 0.1, power: float = 2.0) -> None: ...

    def push(self, keys: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], values: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)]) -> None:
        """keys: b x d, values: b x d_v."""

    def merge(self, other: HeavyKeyStream) -> None:
        """As if the other's keys had been pushed behind these."""

    @property
    def num_keys(self) -> int:
        """pushed so far"""

    def current(self) -> KeptKeys:
        """The kept keys: those of select_heavy_keys on all keys."""

    def attend(self, queries: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """Attention over the kept keys, with the denominators of all keys."""

    def to_bytes(self) -> bytes: ...

    @staticmethod
    def from_bytes(bytes: bytes) -> HeavyKeyStream:
        """Raises IoError on bytes that to_bytes does not write."""

class VertexAggregate(enum.Enum):
    """What the rows near a vertex become."""

    mean = 0

    median = 1
    """of each coordinate: for noise with outliers"""

class LatentSimplex:
    """The vertices of a simplex that rows lie in, but for noise."""

    @property
    def vertices(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """r x d, r <= k"""

    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """estimates of those of a, descending"""

    @property
    def separations(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """
        how far each vertex is from the span of those before it, the farthest first, relative to the longest: that of one too many is noise
        """

    @property
    def members(self) -> list[list[int]]:
        """the rows that each vertex is the average of"""

def latent_simplex(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, k: int, *, share: float = 0.0, tries: int = 8, power_steps: int = 1, aggregate: VertexAggregate = VertexAggregate.mean, seed: int = 0) -> LatentSimplex:
    """
    The vertices m_1 ... m_k of rows a_i = sum_j w_ij m_j + noise, w_i >= 0, sum_j w_ij = 1.

    a: n x d, dense or SparseRows; share: of the rows that lie near each vertex, 1 / (5 k) if 0.
    """

class ConvexCodes:
    """Weights by rows, those above 0 only, as compressed sparse rows."""

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """by row_offsets"""

    @property
    def scales(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n: 1 unless they are free"""

    @property
    def squared_distances(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """n: what is left of each row"""

    @property
    def largest_gap(self) -> float:
        """proven, relative to ||a_i||^2"""

    @property
    def row_offsets(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """n + 1"""

    @property
    def columns(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """of the weights: numbers of vertices"""

def convex_code(vertices: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | SparseRows, *, sparsity: int = 0, gap: float = 1e-06, scaled: bool = False) -> ConvexCodes:
    """
    Every row as the convex combination of the vertices that comes nearest, of at most `sparsity` of them if not 0.

    vertices: k x d; a: n x d, dense or SparseRows; gap: of the squared distance, relative to ||a_i||^2;
    scaled: rows may be any multiple >= 0 of a convex combination.
    """

class StoredMatrix:
    """
    An encoded matrix over arrays in memory; they are not copied and must not change.
    """

    def __init__(self, specification: str, arrays: dict) -> None:
        """
        specification: JSON as in docs/format.md; arrays: name -> 2-D array in C order.
        """

    def decode_rows(self, ids: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """The rows of the given indices, float32."""

    def decode(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """The whole matrix, float32."""

    def apply(self, x: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """x W^T, decoding W by blocks of rows."""

class Selection(enum.Enum):
    """Which tensors are made smaller, before include and exclude."""

    embeddings = 0

    linear = 1

    all = 2

class Method(enum.Enum):
    """How a matrix is factored."""

    automatic = 0
    """whichever leaves the lowest weighted error in the same bytes"""

    svd = 1
    """row-weighted truncated SVD"""

    lp = 2
    """truncated l_p factorisation"""

    subspaces = 3
    """rows in clusters, each with a subspace of its own"""

    codes = 4
    """rotated rows in 0 ... 8 bits an entry"""

    coded_svd = 5
    """codes of coordinates along the principal directions"""

    archetypes = 6
    """convex mixtures of archetypes, and codes of what is left"""

    int8 = 7
    """plain rounding, one scale a row"""

    int4 = 8
    """plain rounding in groups of 64"""

    dense = 9
    """the matrix itself in a shorter number format"""

class NumberFormat(enum.Enum):
    """The formats in which factors are stored."""

    f32 = 0

    f16 = 1

    bf16 = 2

class IfExists(enum.Enum):
    """What happens when the output folder is already there."""

    refuse = 0

    resume = 1

    overwrite = 2

def compress(model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.automatic, num_subspaces: int | None = None, num_archetypes: int | None = None, archetypes_per_row: int = 4, norm_exponent: float = 1.5, row_weights: str = 'zipf', factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, progress: Callable[[str, float], None] | None = None) -> dict[str, Any]:
    """
    Makes a checkpoint smaller: writes folder `output` from folder `model` and returns the report (docs/report.md).

    How much, exactly one: keep, bytes of the selected tensors after / before, in (0, 1); bits, their mean bits per weight; budget, bytes of all weights of the output; max_error, the largest relative weighted error of each.
    progress: called with what is worked on and the share done, in [0, 1].
    """

def verify(output: str | os.PathLike, model: str | os.PathLike, *, progress: Callable[[str, float], None] | None = None) -> dict[str, Any]:
    """
    Recomputes what a compressed folder claims, against the original model, and returns the report.
    """

def expand(model: str | os.PathLike, output: str | os.PathLike, *, if_exists: IfExists = IfExists.refuse, progress: Callable[[str, float], None] | None = None) -> None:
    """
    Writes a compressed folder as an ordinary dense checkpoint, for tools that know nothing of the format.
    """

def store_refit(output: str | os.PathLike, model: str | os.PathLike, target: str | os.PathLike, factors: Sequence[tuple[str, str, Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], dict]], if_exists: IfExists = IfExists.refuse) -> dict[str, Any]: ...

class TensorRows:
    """
    A matrix of a model folder, decoded where it is encoded, by blocks of rows.
    """

    def __init__(self, folder: str | os.PathLike, name: str) -> None: ...

    @property
    def shape(self) -> tuple[int, int]: ...

    def read(self, first: int, count: int) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """count x d, float32"""

class TokenKind(enum.Enum):
    """How a token id is used."""

    unused = 0

    ordinary = 1

    special = 2

class Vocabulary:
    """What a tokenizer file says of its tokens."""

    @property
    def tokens(self) -> list[str]:
        """by token id, as the file spells them; empty where it names none"""

    @property
    def kinds(self) -> list[TokenKind]:
        """by token id"""

def read_vocabulary(folder: str | os.PathLike) -> Vocabulary | None:
    """
    Of a model folder, from its tokenizer's files; None where there is none.
    """

class Offer:
    """One way to store a matrix, as predicted."""

    @property
    def method(self) -> str: ...

    @property
    def bytes(self) -> int:
        """of its arrays"""

    @property
    def error(self) -> float:
        """relative, weighted"""

    @property
    def rank(self) -> int | None: ...

    @property
    def bits(self) -> float | None:
        """mean bits of an entry"""

class TensorStudy:
    """An encoded tensor held against its original."""

    @property
    def squared_norm(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||a_i||_2^2, by row of the original"""

    @property
    def squared_error(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||a_i - b_i||_2^2, by row"""

    @property
    def row_weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """those of the claims; empty: every row counts the same"""

    @property
    def frequency(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """of a token embedding: estimated, by row; else empty"""

    @property
    def rank_error(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||A - A_k||_F / ||A||_F of the original, k = 0, 1, ..."""

    @property
    def array_bytes(self) -> int:
        """data of the stored arrays, as offers count them"""

    @property
    def rank_error_exact(self) -> bool:
        """False: from a sketch, within some 15 %"""

    @property
    def offers(self) -> list[Offer]:
        """of every method, under the row weights"""

    @property
    def notes(self) -> list[str]:
        """what could not be found out, and why"""

def claimed_report(output: str | os.PathLike, model: str | os.PathLike | None = None) -> dict[str, Any]:
    """
    What a compressed folder says of itself, as the report of compress, with the bytes of its files; those before are
    of `model`, zero without one.
    """

def study_tensor(output: str | os.PathLike, model: str | os.PathLike, name: str) -> TensorStudy:
    """Holds one encoded tensor against its original."""

def run_command_line(arguments: Sequence[str]) -> int:
    """Runs `loewner ARGUMENTS` and returns its exit code."""
