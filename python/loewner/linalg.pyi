"""
Truncated SVD, block Krylov methods and sparse matrices.

`truncated_svd` is for dense matrices. `block_krylov` needs only products with the matrix, so that it suits sparse
matrices, operators, and few vectors of a large matrix. `schatten_low_rank` does the same in a number of products that
`schatten_plan` computes beforehand.
"""

import enum
from typing import Annotated, Literal

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core
import loewner.typing


class KrylovSvd:
    """
    A rank-k approximation (u * singular_values) @ vt = A V V^T.

    Attributes
    ----------
    u : ndarray of shape (n, k)
        Left singular vectors, orthonormal columns.
    singular_values : ndarray of shape (k,)
        Descending; none is above that of A.
    vt : ndarray of shape (k, d)
        Right singular vectors, orthonormal rows.
    residual_norm : float
        ||A - A V V^T||_F; estimated from 16 probes if ||A||_F is not known or cancels.
    excess_estimate : float
        Estimated excess of the Schatten-p error over the least one, relative; infinity if not estimated.
    numerical_rank : int
        Number of the singular values that are above rounding.
    products : int
        Products of A and of A^T with one vector.
    status : Status
        'converged', or 'max_iterations' if max_products came first.
    """

    @property
    def u(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(n, k) Left singular vectors, orthonormal columns."""

    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(k,) Descending; none is above that of A."""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(k, d) Right singular vectors, orthonormal rows."""

    @property
    def residual_norm(self) -> float:
        """
        ||A - A V V^T||_F; estimated from 16 probes if ||A||_F is not known or cancels.
        """

    @property
    def excess_estimate(self) -> float:
        """
        Estimated excess of the Schatten-p error over the least one, relative; infinity if not estimated.
        """

    @property
    def numerical_rank(self) -> int:
        """Number of the singular values that are above rounding."""

    @property
    def products(self) -> int:
        """Products of A and of A^T with one vector."""

    @property
    def status(self) -> loewner._core.Status:
        """'converged', or 'max_iterations' if max_products came first."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class RightSingularVectors:
    """
    Leading right singular vectors of sqrt(W) A and its singular values.

    Attributes
    ----------
    singular_values : ndarray of shape (min(n, d),)
        Descending; (rank,) for route 'krylov'.
    vt : ndarray of shape (rank, d)
        Right singular vectors, orthonormal rows.
    route : loewner.linalg.SvdRoute
        The route taken.
    residual_norm : float
        Square root of the sum of the squares of the singular values that are not listed.
    """

    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(min(n, d),) Descending; (rank,) for route 'krylov'."""

    @property
    def vt(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(rank, d) Right singular vectors, orthonormal rows."""

    @property
    def route(self) -> SvdRoute:
        """The route taken."""

    @property
    def residual_norm(self) -> float:
        """
        Square root of the sum of the squares of the singular values that are not listed.
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class SchattenPlan:
    """
    The two Krylov spaces that `schatten_low_rank` uses.

    Attributes
    ----------
    small_block : int
        Vectors of a small block.
    many_steps : int
        Steps with small blocks.
    large_block : int
        Vectors of a large block.
    few_steps : int
        Steps with large blocks.
    products : int
        Products with single vectors, at most: fewer if the spaces fill R^d.
    """

    @property
    def small_block(self) -> int:
        """Vectors of a small block."""

    @property
    def many_steps(self) -> int:
        """Steps with small blocks."""

    @property
    def large_block(self) -> int:
        """Vectors of a large block."""

    @property
    def few_steps(self) -> int:
        """Steps with large blocks."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

    @property
    def products(self) -> int:
        """Products with single vectors, at most: fewer if the spaces fill R^d."""

class SparseRows:
    """
    A sparse matrix in compressed rows over arrays in memory.

    Row i holds values[k] in column columns[k] for row_offsets[i] <= k < row_offsets[i + 1]. Functions
    that take sparse matrices take a scipy.sparse matrix directly; this class needs no scipy.

    Parameters
    ----------
    cols : int
        Number of columns.
    row_offsets : array_like of shape (n + 1,), int
        First entry of each row. scipy calls it indptr.
    columns : array_like of shape (nnz,), int
        Column of each entry. scipy calls it indices.
    values : array_like of shape (nnz,)
        The entries, kept in float32 or float64. scipy calls it data.

    Raises
    ------
    ValueError
        If an offset or a column is out of range, or an array has more than one dimension.
    TypeError
        If the values are not real numbers, or an offset or a column is not an integer.

    Notes
    -----
    C-contiguous arrays of int64 offsets, int32 columns and float32 or float64 values are not copied and must
    not change. Other arrays are converted.

    Examples
    --------
    >>> from loewner.linalg import SparseRows, block_krylov
    >>> a = SparseRows(3, [0, 1, 3], [2, 0, 1], [2.0, 3.0, 4.0])
    >>> a
    SparseRows(rows=2, cols=3)
    >>> block_krylov(a, 1).singular_values.round(6)
    array([5.])


    Attributes
    ----------
    rows : int
        Number of rows.
    cols : int
        Number of columns.
    """

    def __init__(self, cols: int, row_offsets: numpy.typing.ArrayLike, columns: numpy.typing.ArrayLike, values: numpy.typing.ArrayLike) -> None: ...

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def cols(self) -> int:
        """Number of columns."""

    def __repr__(self) -> str: ...

class SvdRoute(enum.StrEnum):
    """How `truncated_svd` finds the right singular vectors."""

    auto = 'auto'
    """'gram', or 'direct' if sigma_rank is below 1e-5 sigma_1."""

    gram = 'gram'
    """Eigenvectors of A^T W A: fastest, but squares the condition number."""

    direct = 'direct'
    """QR, then the SVD of R: keeps small singular values."""

    krylov = 'krylov'
    """Block Krylov: the leading vectors only, to within eps."""

def block_krylov(a: loewner.typing.OperatorLike, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.01, vector_tolerance: float = 0.0, block: int = 0, steps: int = 0, max_products: int = 0, max_bytes: int = 0, closing_check: bool = True, seed: int = 0) -> KrylovSvd:
    """
    Find a low-rank approximation from products with a matrix only.

    Finds V (d x rank) with orthonormal columns and
    ||A - A V V^T||_Sp <= (1 + eps) min_B ||A - B||_Sp over B of that rank, where ||.||_Sp is the l_p norm
    of the singular values.

    Parameters
    ----------
    a : array_like, sparse matrix or linear operator of shape (n, d)
        An operator has ``shape``, ``matmat`` and ``rmatmat``, as scipy.sparse.linalg.LinearOperator has
        them. Arrays of float16, float32 and float64 are not converted.
    rank : int
        Number of vectors, in [1, min(n, d)].
    norm_exponent : float
        p of the Schatten norm, in [1, infinity].
    eps : float
        Relative excess of the error over the least one.
    vector_tolerance : float
        Also asks of every vector that ||A^T u - sigma v|| <= vector_tolerance sigma_1; 0: not asked.
    block : int
        Vectors per step; 0 for 8, or 4 if rank < 8, or 16 for products in float32.
    steps : int
        Exact number of steps; 0 to stop when the error settles.
    max_products : int
        Limit for products of A and A^T with one vector; 0 for 8 (min(n, d) + block + 2).
    max_bytes : int
        Memory of the bases, beyond which the method restarts; 0 for 1 GiB.
    closing_check : bool
        Also looks for repeated singular values beyond the block size.
    seed : int
        Seed of the random start vectors.

    Returns
    -------
    KrylovSvd
        Singular vectors and values, error and status.

    Raises
    ------
    ValueError
        If an option is out of range, an entry or a product is not finite (the message names its row), or
        a product has the wrong shape.
    TypeError
        If `a` is none of the above, or an operator's product does not hold real numbers.

    Notes
    -----
    Block Krylov iteration on A^T A with full re-orthogonalization and Rayleigh-Ritz [1]_. The stopping
    rule is a heuristic, tested against the SVD over many seeds; `schatten_low_rank` has a guarantee. If
    the least error is below 1e-6 ||A||_F, `eps` has no meaning. Exceptions of an operator pass unchanged.

    Cost: 2 `block` products a step, and 8 block (n + d) m flops for a basis of m vectors. Results have the
    same bits for the same seed and any number of threads.

    References
    ----------
    .. [1] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
       singular value decomposition", NeurIPS 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.linalg import block_krylov
    >>> a = np.diag(0.5 ** np.arange(30.0))
    >>> svd = block_krylov(a, 3, eps=1e-6)
    >>> svd.singular_values.round(6)
    array([1.  , 0.5 , 0.25])
    >>> svd.status == "converged"
    True
    """

def project_rows(a: numpy.typing.ArrayLike, vt: numpy.typing.ArrayLike) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """
    Multiply the rows of a matrix by orthonormal vectors: A V.

    A V is the left factor of the orthogonal projection (A V) V^T of the rows.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    vt : array_like of shape (k, d)
        V^T, with orthonormal rows.

    Returns
    -------
    ndarray of shape (n, k), float32
        The product A V.

    Raises
    ------
    ValueError
        If `vt` has another number of columns than `a`.

    Notes
    -----
    Cost: 2 n d k flops in float32. Results have the same bits for any number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.linalg import project_rows
    >>> project_rows([[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0]])
    array([[2.],
           [4.]], dtype=float32)
    """

def schatten_low_rank(a: loewner.typing.OperatorLike, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.1, constant: float = 0.25, seed: int = 0) -> KrylovSvd:
    """
    Find a low-rank approximation in a number of products that is known beforehand.

    Solves the problem of `block_krylov` for any p in [1, infinity]. The number of products grows as
    eps^(-1/3) for constant p.

    Parameters
    ----------
    a : array_like, sparse matrix or linear operator of shape (n, d)
        As in `block_krylov`.
    rank : int
        Number of vectors, in [1, min(n, d)].
    norm_exponent : float
        p of the Schatten norm, in [1, infinity].
    eps : float
        Relative excess of the error, in (0, 1].
    constant : float
        Factor of the numbers of steps; the theory leaves it open.
    seed : int
        Seed of the random start vectors.

    Returns
    -------
    KrylovSvd
        Singular vectors and values; `excess_estimate` is `eps`.

    Raises
    ------
    ValueError
        As in `block_krylov`.
    TypeError
        As in `block_krylov`.

    Notes
    -----
    Two block sizes, and the best approximation in the sum of both spaces [1]_. The error bound holds with
    high probability over the seed for a large enough `constant`; the default is tested for p = 1, 2 and
    infinity. Cost: ``schatten_plan(min(n, d), rank).products`` products, and 16 more if ||A||_F is not
    known; memory 4 (n + d) bytes per product.

    References
    ----------
    .. [1] A. Bakshi, K. L. Clarkson and D. P. Woodruff, "Low-rank approximation with 1/eps^(1/3)
       matrix-vector products", STOC 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.linalg import schatten_low_rank
    >>> schatten_low_rank(np.diag(0.5 ** np.arange(30.0)), 2, norm_exponent=1).singular_values.round(6)
    array([1. , 0.5])
    """

def schatten_plan(size: int, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.1, constant: float = 0.25) -> SchattenPlan:
    """
    Compute the block sizes and steps of `schatten_low_rank`.

    Parameters
    ----------
    size : int
        The smaller side of the matrix.
    rank : int
        Number of vectors.
    norm_exponent : float
        p of the Schatten norm, in [1, infinity].
    eps : float
        Relative excess of the error, in (0, 1].
    constant : float
        Factor c of the numbers of steps.

    Returns
    -------
    SchattenPlan
        Block sizes, steps and the total number of products.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    Small blocks of k + 2 vectors take c log(size / eps) p^(1/6) eps^(-1/3) steps; large blocks of
    k p^(-1/3) eps^(-1/3) vectors take c log(size / eps) p^(1/2) steps [1]_.

    References
    ----------
    .. [1] A. Bakshi, K. L. Clarkson and D. P. Woodruff, "Low-rank approximation with 1/eps^(1/3)
       matrix-vector products", STOC 2022.

    Examples
    --------
    >>> from loewner.linalg import schatten_plan
    >>> schatten_plan(900, 3, eps=0.1).products
    143
    """

def truncated_svd(a: numpy.typing.ArrayLike, rank: int, *, row_weights: numpy.typing.ArrayLike | None = None, route: Literal['auto', 'gram', 'direct', 'krylov'] | SvdRoute = 'auto', eps: float = 0.0, vectors: int = 0) -> RightSingularVectors:
    """
    Find the best subspace for the rows of a matrix: its truncated SVD.

    Minimizes sum_i w_i ||a_i - V V^T a_i||_2^2 over all V (d x rank) with orthonormal columns. The best
    matrix of that rank is ``project_rows(a, vt) @ vt``.

    Parameters
    ----------
    a : array_like of shape (n, d)
        The matrix, computed with in float32.
    rank : int
        Dimension of the subspace, in [1, min(n, d)].
    row_weights : array_like of shape (n,), optional
        Weights w_i >= 0 of the rows; all ones if None.
    route : {'auto', 'gram', 'direct', 'krylov'}
        'gram' uses eigenvectors of A^T W A: fastest, but squares the condition number. 'direct' uses a
        QR factorization: some 4 times slower, keeps small singular values. 'krylov' finds the leading
        vectors only, to within `eps`. 'auto' is 'gram', and 'direct' if sigma_rank is below 1e-5 sigma_1.
    eps : float
        Relative excess of the error that is accepted to save work. Route 'krylov' needs eps > 0.
    vectors : int
        Rows of `vt` to return, in [rank, min(n, d)]; 0 for `rank`.

    Returns
    -------
    RightSingularVectors
        Right singular vectors and singular values.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, or an entry is not finite (the message names
        its row and column).

    Notes
    -----
    Eigenvectors of A^T W A, or a QR factorization and the SVD of R [1]_; route 'krylov' multiplies blocks of
    random vectors by A and A^T [2]_, as `block_krylov`. Cost: n d^2 + 11 d^3 flops with d the smaller side
    (route 'gram'). The squared error is within 1e-6 of the least one, relative, for eps = 0. Results have the
    same bits for any number of threads.

    References
    ----------
    .. [1] G. H. Golub and C. F. Van Loan, "Matrix computations", 4th edition, Johns Hopkins University
       Press, 2013.
    .. [2] C. Musco and C. Musco, "Randomized block Krylov methods for stronger and faster approximate
       singular value decomposition", NeurIPS 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.linalg import project_rows, truncated_svd
    >>> a = np.diag([3.0, 2.0, 1.0])
    >>> svd = truncated_svd(a, 2)
    >>> svd.singular_values.round(6)
    array([3., 2., 1.])
    >>> float(np.linalg.norm(a - project_rows(a, svd.vt) @ svd.vt).round(6))
    1.0
    """

__all__: list = ['KrylovSvd', 'RightSingularVectors', 'SchattenPlan', 'SparseRows', 'SvdRoute', 'block_krylov', 'project_rows', 'schatten_low_rank', 'schatten_plan', 'truncated_svd']
