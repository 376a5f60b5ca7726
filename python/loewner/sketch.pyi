"""
Random embeddings, and what a sketch of a matrix is enough for.

`SparseSignEmbedding` and `LessEmbedding` are random matrices that nearly preserve lengths. `least_squares`,
`leverage_scores` and `sketched_svd` use them to read a tall matrix a few times only. `estimate_residuals`,
`probe_residual` and the sketches of streams estimate errors without the factors.
"""

import enum
from typing import Annotated, Literal

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core
import loewner.linalg
import loewner.typing


class BilinearSketch:
    """
    A linear sketch of a matrix from which residuals are estimated.

    For a matrix that arrives as blocks of rows, as changes of entries, or at several places: sketches of
    parts add up to the sketch of the sum [1]_.

    Parameters
    ----------
    rows, cols : int
        Shape of the matrix.
    max_rank : int
        As in `estimate_residuals`.
    sketch_size : int
        As in `estimate_residuals`.
    nonzeros : int
        As in `estimate_residuals`.
    repetitions : int
        As in `estimate_residuals`.
    seed : int
        Seed of the sketches.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    Blocks of `sketch_size` rows or more are cheapest to add. The order of blocks, updates and merges
    changes the result by rounding only.

    References
    ----------
    .. [1] Y. Li, H. Lin and D. P. Woodruff, "Optimal sketching for residual error estimation for matrix and
       vector norms", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import BilinearSketch
    >>> sketch = BilinearSketch(3, 3, 2)
    >>> sketch.add_block(0, [[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    >>> sketch.update(2, 2, 1.0)
    >>> sketch.curve().residual.round(6)
    array([3.741657, 2.236068, 1.      ])


    Attributes
    ----------
    rows : int
        Rows of the matrix.
    cols : int
        Columns of the matrix.
    sketch_size : int
        Side of the sketch.
    """

    def __init__(self, rows: int, cols: int, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0) -> None: ...

    @property
    def rows(self) -> int:
        """Rows of the matrix."""

    @property
    def cols(self) -> int:
        """Columns of the matrix."""

    @property
    def sketch_size(self) -> int:
        """Side of the sketch."""

    def update(self, i: int, j: int, change: float) -> None:
        """
        Add a number to an entry.

        Parameters
        ----------
        i, j : int
            Row and column of the entry.
        change : float
            The number to add.

        Raises
        ------
        ValueError
            If the place is outside of the matrix or the number is not finite.
        """

    def add_block(self, first_row: int, block: loewner.typing.MatrixLike) -> None:
        """
        Add a block to some rows of the matrix.

        Parameters
        ----------
        first_row : int
            The row to which the first row of the block is added.
        block : array_like or sparse matrix of shape (b, cols)
            The rows to add.

        Raises
        ------
        ValueError
            If the block does not fit or an entry is not finite; nothing is added then.
        """

    def merge(self, other: BilinearSketch) -> None:
        """
        Add the matrix of another sketch.

        Parameters
        ----------
        other : BilinearSketch
            A sketch with the same shape and options.

        Raises
        ------
        ValueError
            If shapes or options differ.
        """

    def curve(self, frobenius_norm: float | None = None) -> ResidualCurve:
        """
        Estimate the residuals of the matrix.

        Parameters
        ----------
        frobenius_norm : float, optional
            Norm of the matrix if it is known; else it is estimated too.

        Returns
        -------
        ResidualCurve
            As from `estimate_residuals`.
        """

    def __repr__(self) -> str: ...

class LeastSquares:
    """
    Solutions of least squares problems, one per column of b.

    Attributes
    ----------
    x : ndarray of shape (d, k)
        The solutions.
    residual_norms : ndarray of shape (k,)
        ||A x - b|| of each column.
    backward_errors : ndarray of shape (k,)
        Relative to ||A||_F, estimated.
    rank : int
        Numerical rank of A.
    report : FitReport
        Status and iterations; the objective is ||A X - B||_F.
    """

    @property
    def x(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(d, k) The solutions."""

    @property
    def residual_norms(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(k,) ||A x - b|| of each column."""

    @property
    def backward_errors(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(k,) Relative to ||A||_F, estimated."""

    @property
    def rank(self) -> int:
        """Numerical rank of A."""

    @property
    def report(self) -> loewner._core.FitReport:
        """Status and iterations; the objective is ||A X - B||_F."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LessEmbedding:
    """
    A sparse random matrix S that samples rows by leverage score.

    About `row_nonzeros` non-zeros lie in each row of S, in column j with a probability that grows with
    its score, and E(S^T S) = I.

    Parameters
    ----------
    scores : array_like of shape (n,)
        Leverage scores >= 0 of the rows of the matrix to embed.
    rows : int
        Rows of S.
    row_nonzeros : float
        Expected non-zeros of each row of S, > 0.
    uniform_share : float
        Mass of the uniform distribution that is mixed in, relative to the sum of the scores; negative for
        the same mass.
    seed : int
        Seed of the places and signs.

    Raises
    ------
    ValueError
        If a score is negative or not finite, all are 0, or an option is out of range.

    Notes
    -----
    Leverage-score sparsified embedding [1]_. It touches at most rows * row_nonzeros rows of the matrix.

    References
    ----------
    .. [1] M. Derezinski, Z. Liao, E. Dobriban and M. W. Mahoney, "Sparse sketches with small inversion
       bias", COLT 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import LessEmbedding, leverage_scores
    >>> a = np.random.default_rng(0).standard_normal((500, 4))
    >>> LessEmbedding(leverage_scores(a).scores, 32).apply(a).shape
    (32, 4)


    Attributes
    ----------
    rows : int
        Rows of S.
    cols : int
        Columns of S.
    """

    def __init__(self, scores: numpy.typing.ArrayLike, rows: int, *, row_nonzeros: float = 16.0, uniform_share: float = -1.0, seed: int = 0) -> None: ...

    @property
    def rows(self) -> int:
        """Rows of S."""

    @property
    def cols(self) -> int:
        """Columns of S."""

    def apply(self, a: loewner.typing.MatrixLike) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """
        Compute S A.

        Parameters
        ----------
        a : array_like or sparse matrix of shape (cols, d)
            The matrix to embed.

        Returns
        -------
        ndarray of shape (rows, d), float64
            The product S A.

        Raises
        ------
        ValueError
            If the shape does not fit or an entry is not finite.
        """

    def __repr__(self) -> str: ...

class LeverageMethod(enum.StrEnum):
    """How `leverage_scores` computes the scores."""

    exact = 'exact'
    """Exact to rounding."""

    sketched = 'sketched'
    """Within a small factor, faster for many columns."""

class LeverageScores:
    """
    Leverage scores of the rows of a matrix A.

    Attributes
    ----------
    scores : ndarray of shape (n,)
        Scores in [0, 1].
    rank : int
        Numerical rank of A; the exact scores add up to it.
    """

    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) Scores in [0, 1]."""

    @property
    def rank(self) -> int:
        """Numerical rank of A; the exact scores add up to it."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class ProbedNorm:
    """
    An estimated norm.

    Attributes
    ----------
    norm : float
        The estimate.
    standard_error : float
        Standard error of the estimate.
    """

    @property
    def norm(self) -> float:
        """The estimate."""

    @property
    def standard_error(self) -> float:
        """Standard error of the estimate."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class ResidualCurve:
    """
    Estimated least errors of all ranks.

    Attributes
    ----------
    frobenius_norm : float
        ||A||_F.
    residual : ndarray of shape (max_rank + 1,)
        ||A - A_k||_F for k = 0 ... max_rank.
    standard_deviations : ndarray of shape (max_rank + 1,)
        Of one sketch's estimates over the repetitions; 0 for one repetition.
    sketch_size : int
        Side of the sketch.
    """

    @property
    def frobenius_norm(self) -> float:
        """||A||_F."""

    @property
    def residual(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(max_rank + 1,) ||A - A_k||_F for k = 0 ... max_rank."""

    @property
    def standard_deviations(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """
        (max_rank + 1,) Of one sketch's estimates over the repetitions; 0 for one repetition.
        """

    @property
    def sketch_size(self) -> int:
        """Side of the sketch."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class SparseSignEmbedding:
    """
    A sparse random matrix S that nearly preserves lengths in any fixed subspace.

    S has `nonzeros` entries +-1/sqrt(nonzeros) in each column, at random places, so E(S^T S) = I. For
    every fixed subspace of dimension well below `rows`, ||S x|| is close to ||x|| for all x in it.

    Parameters
    ----------
    rows : int
        Rows of S: the dimension after the embedding.
    cols : int
        Columns of S: the dimension before the embedding.
    nonzeros : int
        Entries per column, in [1, rows]. 8 is enough from rows = 2 d on, 4 from rows = 4 d on.
    seed : int
        Seed of the places and signs.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    OSNAP [1]_ at the optimal dimension [2]_. S is not stored. Singular values of S U, U an orthonormal
    basis of d vectors, lie near 1 +- sqrt(d / rows). Products are float64 and have the same bits for any
    number of threads.

    References
    ----------
    .. [1] J. Nelson and H. L. Nguyen, "OSNAP: faster numerical linear algebra algorithms via sparser
       subspace embeddings", FOCS 2013.
    .. [2] S. Chenakkod, M. Derezinski, X. Dong and M. Rudelson, "Optimal embedding dimension for sparse
       subspace embeddings", STOC 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import SparseSignEmbedding
    >>> s = SparseSignEmbedding(64, 1000, seed=1)
    >>> s
    SparseSignEmbedding(rows=64, cols=1000, nonzeros=8)
    >>> s.apply(np.ones((1000, 2))).shape
    (64, 2)


    Attributes
    ----------
    rows : int
        Rows of S.
    cols : int
        Columns of S.
    nonzeros : int
        Entries per column.
    """

    def __init__(self, rows: int, cols: int, *, nonzeros: int = 8, seed: int = 0) -> None: ...

    @staticmethod
    def for_distortion(cols: int, dimension: int, distortion: float, *, slack: float = 0.5, seed: int = 0) -> SparseSignEmbedding:
        """
        Make the embedding for a subspace dimension and a distortion.

        Parameters
        ----------
        cols : int
            Columns of S: the dimension before the embedding.
        dimension : int
            Dimension d of the subspaces.
        distortion : float
            Largest distance of the singular values on a subspace from 1, in (0, 1).
        slack : float
            Excess of the number of rows over the optimum d / distortion^2, relative.
        seed : int
            Seed of the places and signs.

        Returns
        -------
        SparseSignEmbedding
            With (1 + slack) d / distortion^2 rows.

        Raises
        ------
        ValueError
            If an argument is out of range.

        Examples
        --------
        >>> from loewner.sketch import SparseSignEmbedding
        >>> SparseSignEmbedding.for_distortion(1000, 24, 0.5, slack=1)
        SparseSignEmbedding(rows=192, cols=1000, nonzeros=8)
        """

    @property
    def rows(self) -> int:
        """Rows of S."""

    @property
    def cols(self) -> int:
        """Columns of S."""

    @property
    def nonzeros(self) -> int:
        """Entries per column."""

    def apply(self, a: loewner.typing.MatrixLike) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """
        Compute S A.

        Parameters
        ----------
        a : array_like or sparse matrix of shape (cols, d)
            The matrix to embed.

        Returns
        -------
        ndarray of shape (rows, d), float64
            The product S A.

        Raises
        ------
        ValueError
            If the shape does not fit or an entry is not finite.
        """

    def apply_right(self, a: loewner.typing.MatrixLike) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """
        Compute A S^T.

        Parameters
        ----------
        a : array_like or sparse matrix of shape (k, cols)
            The matrix whose rows are embedded.

        Returns
        -------
        ndarray of shape (k, rows), float64
            The product A S^T.

        Raises
        ------
        ValueError
            If the shape does not fit or an entry is not finite.
        """

    def __repr__(self) -> str: ...

class VectorResidualSketch:
    """
    A sketch of a long vector x that estimates ||x - x_k||_p for p > 2.

    x_k is the best k-sparse approximation. x arrives as changes of its entries, at several places or with
    both signs. If x fits into memory, sort it instead.

    Parameters
    ----------
    size : int
        Length of x.
    max_terms : int
        The largest k, >= 1.
    norm_exponent : float
        p > 2, finite.
    seed : int
        Seed of the sketch.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    CountSketch for the k largest entries [1]_, and max-stability for the rest [2]_. Estimates are within a
    factor of 1.5. Cost: 262 additions per update.

    References
    ----------
    .. [1] M. Charikar, K. Chen and M. Farach-Colton, "Finding frequent items in data streams", ICALP 2002.
    .. [2] A. Andoni, "High frequency moments via max-stability", ICASSP 2017.

    Examples
    --------
    >>> from loewner.sketch import VectorResidualSketch
    >>> sketch = VectorResidualSketch(500, 1, norm_exponent=3)
    >>> for i in range(500):
    ...     sketch.update(i, 100.0 if i == 7 else 1.0)
    >>> 0.5 < sketch.estimate(1) / 499 ** (1 / 3) < 2
    True


    Attributes
    ----------
    size : int
        Length of x.
    """

    def __init__(self, size: int, max_terms: int, *, norm_exponent: float = 4.0, seed: int = 0) -> None: ...

    @property
    def size(self) -> int:
        """Length of x."""

    def update(self, i: int, change: float) -> None:
        """
        Add a number to an entry.

        Parameters
        ----------
        i : int
            Index of the entry.
        change : float
            The number to add.

        Raises
        ------
        ValueError
            If the index is out of range or the number is not finite.
        """

    def merge(self, other: VectorResidualSketch) -> None:
        """
        Add the vector of another sketch.

        Parameters
        ----------
        other : VectorResidualSketch
            A sketch with the same length and options.

        Raises
        ------
        ValueError
            If lengths or options differ.
        """

    def estimate(self, num_terms: int) -> float:
        """
        Estimate ||x - x_k||_p.

        Parameters
        ----------
        num_terms : int
            k, in [0, max_terms].

        Returns
        -------
        float
            The estimate.

        Raises
        ------
        ValueError
            If k is out of range.
        """

    def __repr__(self) -> str: ...

def estimate_residuals(a: loewner.typing.MatrixLike, max_rank: int, *, sketch_size: int = 0, nonzeros: int = 4, repetitions: int = 1, seed: int = 0, correct_bias: bool = True) -> ResidualCurve:
    """
    Estimate the least error of every rank from one small sketch.

    Estimates min ||A - B||_F over B of rank k, for all k = 0 ... max_rank, in one pass over A.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The matrix.
    max_rank : int
        The largest rank, >= 0.
    sketch_size : int
        Side m of the sketch, at least 2 max_rank; 0 for max(64, 5 max_rank).
    nonzeros : int
        Entries per column of each embedding.
    repetitions : int
        Independent sketches, whose mean is taken; 3 for error bars.
    seed : int
        Seed of the sketches.
    correct_bias : bool
        Corrects the energy that the leading directions of a sketch take from the others. Without it the
        estimates are too low.

    Returns
    -------
    ResidualCurve
        Norm, residuals and their standard deviations.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Singular values of S A T^T beyond the k-th [1]_, with a correction of their bias. A side no longer than
    m is not sketched, so small matrices have exact residuals. The estimates are within 15 % of the truth
    for m = 5 max_rank and max_rank <= 0.3 min(n, d); beyond that they may be too low. Results have the same
    bits for the same seed and any number of threads.

    References
    ----------
    .. [1] Y. Li, H. Lin and D. P. Woodruff, "Optimal sketching for residual error estimation for matrix and
       vector norms", ICLR 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import estimate_residuals
    >>> estimate_residuals(np.diag([3.0, 2.0, 1.0]), 2).residual.round(6)
    array([3.741657, 2.236068, 1.      ])
    """

def least_squares(a: loewner.typing.MatrixLike, b: numpy.typing.ArrayLike, *, tolerance: float = 1e-14, max_iterations: int = 200, sketch_rows: int = 0, nonzeros: int = 0, seed: int = 0) -> LeastSquares:
    """
    Solve least squares problems with a tall matrix: min ||A X - B||_F.

    Returns the X of least norm among the minimizers, as accurate as with a QR factorization and faster for
    tall A.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The design, of any rank.
    b : array_like of shape (n,) or (n, k)
        The targets.
    tolerance : float
        Backward error of each column of X relative to ||A||_F, in (0, 1).
    max_iterations : int
        Limit of LSQR steps; each reads A once.
    sketch_rows : int
        Rows of the sketch, at least d; 0 for 3 n / d between 4 d and 32 d.
    nonzeros : int
        Entries per column of the sketch; 0 for 8 below 4 d rows and 4 above.
    seed : int
        Seed of the sketch. The result depends on it by the tolerance only.

    Returns
    -------
    LeastSquares
        The solution, residuals and backward errors.

    Raises
    ------
    ValueError
        If an option is out of range, `b` has another number of rows, or an entry is not finite (the
        message names its row and column).

    Notes
    -----
    LSQR on A T, which a sketch makes well conditioned [1]_. Backward stable up to cond(A) = 1 / (d eps);
    directions beyond count as rank deficiency. A missed tolerance is no error: `report.status` tells.
    Results have the same bits for any number of threads.

    References
    ----------
    .. [1] V. Rokhlin and M. Tygert, "A fast randomized algorithm for overdetermined linear least-squares
       regression", PNAS 105, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import least_squares
    >>> a = np.random.default_rng(0).standard_normal((1000, 3))
    >>> least_squares(a, a @ [1.0, 2.0, 3.0]).x.round(6).ravel()
    array([1., 2., 3.])
    """

def leverage_scores(a: loewner.typing.MatrixLike, *, method: Literal['exact', 'sketched'] | LeverageMethod = 'exact', sketch_rows: int = 0, projections: int = 12, seed: int = 0) -> LeverageScores:
    """
    Compute the leverage scores of the rows of a matrix.

    The score of row i is l_i = max_x |a_i^T x|^2 / ||A x||^2, its largest share of ||A x||^2.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The matrix, of any shape and rank.
    method : {'exact', 'sketched'}
        'exact' is exact to rounding; 'sketched' is within a small factor and faster for many columns.
    sketch_rows : int
        Rows of the sketch, at least d; 0 for 4 d.
    projections : int
        Gaussian vectors that method 'sketched' measures rows with.
    seed : int
        Seed of the sketch. Exact scores depend on it by rounding only.

    Returns
    -------
    LeverageScores
        The scores and the numerical rank.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Cost: 5 n d^2 flops for 'exact'; 2 n d projections flops for 'sketched' [1]_. Directions below d eps of
    the largest count as rank deficiency. Results have the same bits for any number of threads.

    References
    ----------
    .. [1] P. Drineas, M. Magdon-Ismail, M. W. Mahoney and D. P. Woodruff, "Fast approximation of matrix
       coherence and statistical leverage", JMLR 13, 2012.

    Examples
    --------
    >>> from loewner.sketch import leverage_scores
    >>> leverage_scores([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]]).scores.round(6)
    array([1. , 0.5, 0.5])
    """

def probe_residual(a: loewner.typing.MatrixLike, u: numpy.typing.ArrayLike, v: numpy.typing.ArrayLike, *, probes: int = 16, seed: int = 0) -> ProbedNorm:
    """
    Estimate the error ||A - U V^T||_F of a factorization.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The matrix.
    u : array_like of shape (n, k)
        Left factor.
    v : array_like of shape (d, k)
        Right factor.
    probes : int
        Gaussian vectors to multiply by.
    seed : int
        Seed of the vectors.

    Returns
    -------
    ProbedNorm
        The estimate and its standard error.

    Raises
    ------
    ValueError
        If shapes do not fit, probes < 1, or an entry is not finite.

    Notes
    -----
    The mean of ||(A - U V^T) g||^2 over Gaussian g is unbiased for the squared norm [1]_. The standard
    deviation of the norm is at most norm / sqrt(2 probes). A - U V^T is not formed.

    References
    ----------
    .. [1] M. F. Hutchinson, "A stochastic estimator of the trace of the influence matrix for Laplacian
       smoothing splines", Communications in Statistics 19, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import probe_residual
    >>> a = np.random.default_rng(0).standard_normal((300, 20))
    >>> probed = probe_residual(a, np.zeros((300, 1)), np.zeros((20, 1)))
    >>> bool(abs(probed.norm - np.linalg.norm(a)) < 5 * probed.standard_error)
    True
    """

def sketched_svd(a: loewner.typing.OperatorLike, rank: int, *, eps: float = 0.01, rows: int = 0, steps: int = 0, seed: int = 0) -> loewner.linalg.KrylovSvd:
    """
    Find a low-rank approximation of a tall matrix in two reads.

    Finds V (d x rank) with orthonormal columns and ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F over
    B of that rank.

    Parameters
    ----------
    a : array_like, sparse matrix or linear operator of shape (n, d)
        As in `loewner.linalg.block_krylov`.
    rank : int
        Number of vectors, in [1, min(n, d)].
    eps : float
        Relative excess of the error over the least one.
    rows : int
        Rows of the sketch, in [2 rank, n]; 0 for 3 rank / eps.
    steps : int
        Exact number of steps of `block_krylov` on the sketch, whose vectors are then returned without an
        estimate of their error; 0 to let the error decide.
    seed : int
        Seed of the sketch and of the start vectors.

    Returns
    -------
    KrylovSvd
        Singular vectors and values, error and status.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).
    TypeError
        As in `loewner.linalg.block_krylov`.

    Notes
    -----
    Computes the leading right singular vectors of a sketch S A [1]_. If their error is not within `eps` of
    the least error of the sketch, `block_krylov` starts from them. If A has fewer than 4 times as many
    rows as the sketch, and for sparse matrices, float64 and operators, `block_krylov` does all the work.
    The excess is about rank / (2 rows). `excess_estimate` is usually 2 to 4 times the true one; it is an
    estimate, not a bound.

    Cost: n d additions, 2 n d rank flops and `block_krylov` of the sketch. Results have the same bits for
    the same seed and any number of threads.

    References
    ----------
    .. [1] K. L. Clarkson and D. P. Woodruff, "Low rank approximation and regression in input sparsity
       time", STOC 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.sketch import sketched_svd
    >>> a = np.random.default_rng(0).standard_normal((4000, 20)).astype(np.float32)
    >>> sketched_svd(a, 2, eps=0.05).excess_estimate <= 0.05
    True
    """

__all__: list = ['BilinearSketch', 'LeastSquares', 'LessEmbedding', 'LeverageMethod', 'LeverageScores', 'ProbedNorm', 'ResidualCurve', 'SparseSignEmbedding', 'VectorResidualSketch', 'estimate_residuals', 'least_squares', 'leverage_scores', 'probe_residual', 'sketched_svd']
