"""
Clusters with a subspace each, and rows as convex combinations of vertices.
"""

import enum
from typing import Annotated

import numpy
from numpy.typing import NDArray

import loewner._core
import loewner.linalg


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

class ProjectiveClustering:
    @property
    def cluster_of_row(self) -> Annotated[NDArray[numpy.uint8], dict(shape=(None,))]:
        """n values below num_clusters"""

    @property
    def bases(self) -> list[Annotated[NDArray[numpy.float64], dict(shape=(None, None))]]:
        """num_clusters of dimension x d, orthonormal rows"""

    @property
    def report(self) -> loewner._core.FitReport:
        """
        objective: sum_i u_i min(distance of row i^q, t); the initial one is that of a single subspace
        """

class VertexAggregate(enum.Enum):
    """What the rows near a vertex become."""

    mean = 0

    median = 1
    """of each coordinate: for noise with outliers"""

def convex_code(vertices: Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, *, sparsity: int = 0, gap: float = 1e-06, scaled: bool = False) -> ConvexCodes:
    """
    Every row as the convex combination of the vertices that comes nearest, of at most `sparsity` of them if not 0.

    vertices: k x d; a: n x d, dense or SparseRows; gap: of the squared distance, relative to ||a_i||^2;
    scaled: rows may be any multiple >= 0 of a convex combination.
    """

def latent_simplex(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | loewner.linalg.SparseRows, k: int, *, share: float = 0.0, tries: int = 8, power_steps: int = 1, aggregate: VertexAggregate = VertexAggregate.mean, seed: int = 0) -> LatentSimplex:
    """
    The vertices m_1 ... m_k of rows a_i = sum_j w_ij m_j + noise, w_i >= 0, sum_j w_ij = 1.

    a: n x d, dense or SparseRows; share: of the rows that lie near each vertex, 1 / (5 k) if 0.
    """

def projective_clustering(a: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], num_clusters: int, dimension: int, *, exponent: float = 2.0, truncation: float = float('inf'), row_weights: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | None = None, num_restarts: int = 3, max_iterations: int = 50, tolerance: float = 0.0003, seed: int = 0) -> ProjectiveClustering:
    """
    Subspaces through the origin, and one of them for every row, that make sum_i u_i min(dist(a_i, S_c(i))^q, t)
    small; never above the best single subspace.

    a: n x d; exponent: q, 1 or 2; truncation: t > 0; row_weights: u, n values >= 0, all ones if None.
    """

__all__: list = ['ConvexCodes', 'LatentSimplex', 'ProjectiveClustering', 'VertexAggregate', 'convex_code', 'latent_simplex', 'projective_clustering']
