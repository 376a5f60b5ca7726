"""Random embeddings, and quantities estimated from a sketch of a matrix."""

import enum
from typing import Annotated

import numpy
from numpy.typing import NDArray

import loewner._core
import loewner.linalg


class BilinearSketch:
    """
    What estimate_residuals needs to know of a matrix, for one that arrives as blocks of rows or single changes, or at
    several places.
    """

    def __init__(self, rows: int, cols: int, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0) -> None: ...

    def update(self, i: int, j: int, change: float) -> None:
        """a_ij += change"""

    def add_block(self, first_row: int, block: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows) -> None:
        """Adds the block to the rows first_row, first_row + 1, ..."""

    def merge(self, other: BilinearSketch) -> None:
        """Adds the other sketch's matrix; options must be the same."""

    def curve(self, frobenius_norm: float | None = None) -> ResidualCurve:
        """frobenius_norm: of the matrix, if it is known; else estimated too."""

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
    def report(self) -> loewner._core.FitReport: ...

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

    def apply(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
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

class ProbedNorm:
    @property
    def norm(self) -> float: ...

    @property
    def standard_error(self) -> float: ...

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

class SparseSignEmbedding:
    """
    A random rows x cols matrix S with ||S x|| close to ||x|| on every fixed subspace of dimension well below rows:
    `nonzeros` entries +-1/sqrt(nonzeros) per column, at random places. It is never stored.
    """

    def __init__(self, rows: int, cols: int, *, nonzeros: int = 8, seed: int = 0) -> None: ...

    @staticmethod
    def for_distortion(cols: int, dimension: int, distortion: float, *, slack: float = 0.5, seed: int = 0) -> SparseSignEmbedding:
        """
        The embedding whose singular values on a subspace of `dimension` dimensions lie within `distortion` of 1:
        (1 + slack) dimension / distortion^2 rows, the optimal number up to the slack.
        """

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...

    @property
    def nonzeros(self) -> int:
        """per column"""

    def apply(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """S A, float64. The same bits for any number of threads."""

    def apply_right(self, a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """A S^T, float64."""

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

def estimate_residuals(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0, correct_bias: bool = True) -> ResidualCurve:
    """
    The least error ||A - B||_F of every rank up to max_rank, estimated from one small sketch in one pass.

    sketch_size: m, at least 2 max_rank, 0 for max(64, 5 max_rank); repetitions: 3 for error bars; correct_bias: for what
    the leading directions of a sketch take from the others, without which the estimates are too low.
    """

def least_squares(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, b: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, tolerance: float = 1e-14, max_iterations: int = 200, sketch_rows: int = 0, nonzeros: int = 0, seed: int = 0) -> LeastSquares:
    """
    The X of least norm among those that minimise ||A X - B||_F, by LSQR on a matrix that a sketch has made well
    conditioned: as accurate as a QR factorisation, and faster for tall A.

    a: n x d; b: n x k or n values; tolerance: backward error relative to ||A||_F; sketch_rows: at least d, 0 for 3 n / d between
    4 d and 32 d. The same bits for any number of threads.
    """

def leverage_scores(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, *, method: LeverageMethod = LeverageMethod.exact, sketch_rows: int = 0, projections: int = 12, seed: int = 0) -> LeverageScores:
    """
    The leverage scores l_i = max_x |a_i^T x|^2 / ||A x||^2 of the rows of A, of any shape and rank.

    sketch_rows: at least d, 0 for 4 d; projections: Gaussian vectors that the sketched method measures rows with.
    """

def probe_residual(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, u: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], v: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, probes: int = 16, seed: int = 0) -> ProbedNorm:
    """
    An estimate of ||A - U V^T||_F with its standard error, from products with Gaussian vectors.

    a: n x d; u: n x k; v: d x k.
    """

def sketched_svd(a: Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows | object, rank: int, *, eps: float = 0.01, rows: int = 0, steps: int = 0, seed: int = 0) -> loewner.linalg.KrylovSvd:
    """
    Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F, B of rank k, in
    two reads of a tall A where that is enough.

    Shapes    as in block_krylov.
    Method    the leading right singular vectors of a sketch S A of `rows` rows (0: 3 rank / eps). They
              are taken when their error is within eps of what the sketch itself leaves over; else they are where
              block_krylov starts. Where A has fewer than 4 times as many rows, and for sparse matrices, float64 and
              operators, block_krylov does all. steps: 0, or exactly so many of block_krylov on the sketch, whose
              vectors are then taken as they are (excess_estimate: infinite).
    Cost      n d additions, 2 n d k flops and block_krylov of the sketch; memory 8 rows d and 16 (n + d) k bytes.
    Accuracy  the excess is about k / (2 rows); excess_estimate is some 2 to 4 times the true one.
    Random    the same bits for the same seed and any number of threads.
    Errors    as in block_krylov.
    """

__all__: list = ['BilinearSketch', 'LeastSquares', 'LessEmbedding', 'LeverageMethod', 'LeverageScores', 'ProbedNorm', 'ResidualCurve', 'SparseSignEmbedding', 'VectorResidualSketch', 'estimate_residuals', 'least_squares', 'leverage_scores', 'probe_residual', 'sketched_svd']
