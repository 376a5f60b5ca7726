"""Truncated SVD, block Krylov methods and sparse matrices."""

import enum
from typing import Annotated, overload

import numpy
from numpy.typing import NDArray

import loewner._core


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
    def status(self) -> loewner._core.Status:
        """converged, or max_iterations when max_products came first"""

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

def project_rows(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], vt: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)]) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
    """
    A V for orthonormal V given by its transpose (k x d): the left factor of the projection of the rows, n x k.
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

def schatten_plan(size: int, rank: int, *, norm_exponent: float = 2.0, eps: float = 0.1, constant: float = 0.25) -> SchattenPlan:
    """
    What schatten_low_rank will do with a matrix whose smaller side is `size`: blocks of k + 2 vectors for
    c log(size / eps) p^(1/6) eps^(-1/3) steps, and of k p^(-1/3) eps^(-1/3) for c log(size / eps) p^(1/2).
    """

def truncated_svd(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], rank: int, *, row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, route: SvdRoute = SvdRoute.automatic, eps: float = 0.0, vectors: int = 0) -> RightSingularVectors:
    """
    The subspace that minimises sum_i w_i ||a_i - V V^T a_i||^2 over V with `rank` orthonormal columns: the
    truncated SVD of sqrt(W) A. The best matrix of that rank is project_rows(a, vt) @ vt.

    a: n x d; row_weights: n values >= 0, all ones if None; eps: relative excess of the error that may be left to
    save work, by block Krylov or products in float32; vectors: rows of vt, rank if 0.
    The same bits for any number of threads.
    """

__all__: list = ['KrylovSvd', 'RightSingularVectors', 'SchattenPlan', 'SparseRows', 'SvdRoute', 'block_krylov', 'project_rows', 'schatten_low_rank', 'schatten_plan', 'truncated_svd']
