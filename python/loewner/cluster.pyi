"""
Clusters with a subspace each, and rows as convex combinations of vertices.

`projective_clustering` finds clusters and their subspaces. `latent_simplex` finds the vertices of a simplex from noisy
points in it, and `convex_code` writes rows as convex combinations of given vertices.
"""

import enum
from typing import Annotated, Literal

import numpy
import numpy.typing
from numpy.typing import NDArray

import loewner._core
import loewner.typing


class ConvexCodes:
    """
    Weights of rows over vertices, as compressed sparse rows.

    Row i has weights[k] of vertex columns[k] for row_offsets[i] <= k < row_offsets[i + 1];
    ``scipy.sparse.csr_array((weights, columns, row_offsets), (n, k))`` is the matrix.

    Attributes
    ----------
    weights : ndarray of shape (nnz,)
        Weights > 0.
    columns : ndarray of shape (nnz,)
        Vertex of each weight.
    row_offsets : ndarray of shape (n + 1,)
        First weight of each row.
    scales : ndarray of shape (n,)
        Scale s of each row.
    squared_distances : ndarray of shape (n,)
        Squared distance of each row.
    largest_gap : float
        Largest proved gap, relative to ||a_i||^2.
    """

    @property
    def weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(nnz,) Weights > 0."""

    @property
    def columns(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(nnz,) Vertex of each weight."""

    @property
    def row_offsets(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(n + 1,) First weight of each row."""

    @property
    def scales(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) Scale s of each row."""

    @property
    def squared_distances(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) Squared distance of each row."""

    @property
    def largest_gap(self) -> float:
        """Largest proved gap, relative to ||a_i||^2."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class LatentSimplex:
    """
    The vertices of a simplex that holds rows, up to noise.

    Attributes
    ----------
    vertices : ndarray of shape (r, d)
        The vertices, r <= k.
    members : list[list[int]]
        For each vertex, the rows that it averages.
    singular_values : ndarray of shape (k,)
        Estimates of those of a, descending.
    separations : ndarray of shape (r,)
        Distance of each vertex from the span of those before it, the farthest first, relative to the longest. That of a superfluous vertex is at the level of the noise.
    """

    @property
    def vertices(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
        """(r, d) The vertices, r <= k."""

    @property
    def members(self) -> list[list[int]]:
        """For each vertex, the rows that it averages."""

    @property
    def singular_values(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(k,) Estimates of those of a, descending."""

    @property
    def separations(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """
        (r,) Distance of each vertex from the span of those before it, the farthest first, relative to the longest. That of a superfluous vertex is at the level of the noise.
        """

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class ProjectiveClustering:
    """
    Clusters of rows with a subspace each.

    Attributes
    ----------
    cluster_of_row : ndarray of shape (n,)
        Cluster of each row, below num_clusters.
    bases : list of ndarray
        One ndarray of shape (dimension, d) per cluster: a basis of its subspace, orthonormal rows.
    report : FitReport
        Status and iterations; the objective is sum_i u_i min(distance of row i^q, t), the initial one that of a single subspace.
    """

    @property
    def cluster_of_row(self) -> Annotated[NDArray[numpy.uint8], dict(shape=(None,))]:
        """(n,) Cluster of each row, below num_clusters."""

    @property
    def bases(self) -> list[Annotated[NDArray[numpy.float64], dict(shape=(None, None))]]:
        """
        One ndarray of shape (dimension, d) per cluster: a basis of its subspace, orthonormal rows.
        """

    @property
    def report(self) -> loewner._core.FitReport:
        """
        Status and iterations; the objective is sum_i u_i min(distance of row i^q, t), the initial one that of a single subspace.
        """

    def __repr__(self) -> str: ...

class VertexAggregate(enum.StrEnum):
    """How `latent_simplex` combines the rows near a vertex."""

    mean = 'mean'
    """Their mean."""

    median = 'median'
    """The median of each coordinate: for noise with outliers."""

def convex_code(vertices: numpy.typing.ArrayLike, a: loewner.typing.MatrixLike, *, sparsity: int = 0, gap: float = 1e-06, scaled: bool = False) -> ConvexCodes:
    """
    Write each row as the closest convex combination of vertices.

    Minimizes ||a_i - s M^T w||^2 over w >= 0 with sum 1; s = 1, or any s >= 0 if `scaled`.

    Parameters
    ----------
    vertices : array_like of shape (k, d)
        The vertices M, computed with in float64.
    a : array_like or sparse matrix of shape (n, d)
        The rows.
    sparsity : int
        Largest number of weights of a row; 0 for no limit.
    gap : float
        Excess of the squared distance over the least one, relative to ||a_i||^2.
    scaled : bool
        Whether rows may be any multiple s >= 0 of a convex combination.

    Returns
    -------
    ConvexCodes
        Weights, scales and distances.

    Raises
    ------
    ValueError
        If there are no vertices, numbers of columns differ, an option is out of range, or an entry is not
        finite.

    Notes
    -----
    Active sets with the exact solution on each [1]_; the Frank-Wolfe gap [2]_ proves the distance. A sparse
    code is the best one on its vertices, which need not be the best vertices. Results have the same bits for
    any number of threads.

    References
    ----------
    .. [1] C. L. Lawson and R. J. Hanson, "Solving least squares problems", Prentice-Hall, 1974.
    .. [2] M. Jaggi, "Revisiting Frank-Wolfe: projection-free sparse convex optimization", ICML 2013.

    Examples
    --------
    >>> from loewner.cluster import convex_code
    >>> codes = convex_code([[1.0, 0.0], [0.0, 1.0]], [[0.25, 0.75], [3.0, 0.0]])
    >>> codes.weights.round(6).tolist(), codes.columns.tolist(), codes.row_offsets.tolist()
    ([0.25, 0.75, 1.0], [0, 1, 0], [0, 2, 3])
    >>> codes.squared_distances.round(6)
    array([0., 4.])
    """

def latent_simplex(a: loewner.typing.MatrixLike, k: int, *, share: float = 0.0, tries: int = 8, power_steps: int = 1, aggregate: Literal['mean', 'median'] | VertexAggregate = 'mean', seed: int = 0) -> LatentSimplex:
    """
    Find the vertices of a simplex from noisy convex combinations of them.

    The rows are a_i = sum_j w_ij m_j + noise with w_i >= 0 and sum_j w_ij = 1; the m_j are the vertices.

    Parameters
    ----------
    a : array_like or sparse matrix of shape (n, d)
        The rows.
    k : int
        Number of vertices, in [1, min(n, d)].
    share : float
        Share of the rows that lie near each vertex, in (0, 1]; 0 for 1 / (5 k).
    tries : int
        Random directions per vertex, >= 1.
    power_steps : int
        Passes that sharpen the subspace, >= 0.
    aggregate : {'mean', 'median'}
        What the rows near a vertex become; 'median' of each coordinate suits noise with outliers.
    seed : int
        Seed of the directions.

    Returns
    -------
    LatentSimplex
        The vertices and the rows that they average.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Learns a latent simplex in input-sparsity time [1]_. With noise sigma per coordinate the error is about
    sigma / sqrt(share n) for well separated vertices. If the rows span fewer dimensions, fewer vertices come
    back. Results have the same bits for the same seed and any number of threads.

    References
    ----------
    .. [1] A. Bakshi, C. Bhattacharyya, R. Kannan, D. P. Woodruff and S. Zhou, "Learning a latent simplex in
       input sparsity time", ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.cluster import latent_simplex
    >>> rows = np.repeat(np.eye(3, 5), 40, axis=0)
    >>> latent_simplex(rows, 3).vertices.sum(axis=0).round(6)
    array([1., 1., 1., 0., 0.])
    """

def projective_clustering(a: numpy.typing.ArrayLike, num_clusters: int, dimension: int, *, exponent: float = 2.0, truncation: float = float('inf'), row_weights: numpy.typing.ArrayLike | None = None, num_restarts: int = 3, max_iterations: int = 50, tolerance: float = 0.0003, seed: int = 0) -> ProjectiveClustering:
    """
    Cluster rows by subspaces: one subspace through the origin per cluster.

    Makes sum_i u_i min(dist(a_i, S_c(i))^q, t) small over the subspaces S_1 ... S_k and the clusters c(i).

    Parameters
    ----------
    a : array_like of shape (n, d)
        The rows, computed with in float32.
    num_clusters : int
        k, in [1, 256].
    dimension : int
        Dimension of each subspace, in [0, d].
    exponent : float
        q, 1 or 2.
    truncation : float
        t > 0, in units of the distances to the power q.
    row_weights : array_like of shape (n,), optional
        Weights u_i >= 0 of the rows; all ones if None.
    num_restarts : int
        Number of starts, >= 1.
    max_iterations : int
        Limit of the final descent.
    tolerance : float
        Relative decrease of the objective at which the iteration has converged.
    seed : int
        Seed of the starts.

    Returns
    -------
    ProjectiveClustering
        Cluster of each row, bases and a report.

    Raises
    ------
    ValueError
        If an option is out of range, a weight is negative, the matrix is empty, or an entry is not finite.

    Notes
    -----
    Expectation maximization over subspaces [1]_. A local optimum of an NP-hard problem, never worse than the
    best single subspace. Results have the same bits for the same seed and any number of threads.

    References
    ----------
    .. [1] A. Maalouf, H. Lang, D. Rus and D. Feldman, "Deep learning meets projective clustering", ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner.cluster import projective_clustering
    >>> a = np.array([[1.0, 0.0], [0.0, 1.0]] * 20) * np.arange(1.0, 41.0)[:, None]
    >>> found = projective_clustering(a, 2, 1)
    >>> len(set(found.cluster_of_row[::2])), len(set(found.cluster_of_row))
    (1, 2)
    """

__all__: list = ['ConvexCodes', 'LatentSimplex', 'ProjectiveClustering', 'VertexAggregate', 'convex_code', 'latent_simplex', 'projective_clustering']
