"""
Keys that can have a large attention weight.

`select_heavy_keys` finds them among given keys and `HeavyKeyStream` on a stream. `attend_selected` computes attention
over the selected keys.
"""

from typing import Annotated

import numpy
import numpy.typing
from numpy.typing import NDArray


class HeavyKeys:
    """
    The keys that can have a large weight for some query.

    Attributes
    ----------
    indices : ndarray of shape (m,)
        The kept keys, ascending.
    scores : ndarray of shape (n,)
        No query gives key j a larger weight than scores[j].
    rank : int
        Numerical rank of the keys, or of their symmetric powers.
    certified_eps : float
        Every larger weight, for any query, belongs to a kept key.
    """

    @property
    def indices(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(m,) The kept keys, ascending."""

    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n,) No query gives key j a larger weight than scores[j]."""

    @property
    def rank(self) -> int:
        """Numerical rank of the keys, or of their symmetric powers."""

    @property
    def certified_eps(self) -> float:
        """Every larger weight, for any query, belongs to a kept key."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class HeavyKeyStream:
    """
    The heavy keys of a stream, exactly, in one pass and bounded memory.

    At any time the kept keys are those of `select_heavy_keys` on all keys pushed so far.

    Parameters
    ----------
    key_cols : int
        Width d of the keys.
    value_cols : int
        Width d_v of the values.
    eps : float
        Keeps every key that can have a weight of eps, in (0, 1].
    power : float
        Even power of the weights.

    Raises
    ------
    ValueError
        If an option is out of range.

    Notes
    -----
    Scores only fall when keys are added, so a dropped key can never be heavy again [1]_. Memory: D^2 float64
    and at most 2 D / eps keys with their values; D = d for power 2. A stream can be pickled.

    References
    ----------
    .. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
       efficient algorithm for heavy attentions", ICLR 2025.

    Examples
    --------
    >>> from loewner.attention import HeavyKeyStream
    >>> stream = HeavyKeyStream(2, 1, eps=0.6)
    >>> stream.push([[1.0, 0.0], [0.0, 2.0]], [[1.0], [2.0]])
    >>> stream.push([[0.0, 2.0]], [[3.0]])
    >>> stream.current().indices.tolist()
    [0]


    Attributes
    ----------
    num_keys : int
        Number of keys pushed.
    """

    def __init__(self, key_cols: int, value_cols: int, *, eps: float = 0.1, power: float = 2.0) -> None: ...

    def push(self, keys: numpy.typing.ArrayLike, values: numpy.typing.ArrayLike) -> None:
        """
        Append keys with their values.

        Parameters
        ----------
        keys : array_like of shape (b, d)
            The keys, computed with in float32.
        values : array_like of shape (b, d_v)
            Their values.

        Raises
        ------
        ValueError
            If shapes do not fit or an entry is not finite.
        """

    def merge(self, other: HeavyKeyStream) -> None:
        """
        Append another stream, as if its keys had been pushed after these.

        Parameters
        ----------
        other : HeavyKeyStream
            A stream with the same widths and options.

        Raises
        ------
        ValueError
            If widths or options differ.
        """

    @property
    def num_keys(self) -> int:
        """Number of keys pushed."""

    def current(self) -> KeptKeys:
        """
        Find the kept keys.

        Returns
        -------
        KeptKeys
            Indices, scores, keys and values.
        """

    def attend(self, queries: numpy.typing.ArrayLike) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        Compute attention over the kept keys, with the denominators of all keys.

        Parameters
        ----------
        queries : array_like of shape (n_q, d)
            The queries.

        Returns
        -------
        ndarray of shape (n_q, d_v), float32
            The output.

        Raises
        ------
        ValueError
            If the width does not fit or an entry is not finite.
        """

    def to_bytes(self) -> bytes:
        """
        Write the whole state.

        Returns
        -------
        bytes
            The state, which `from_bytes` reads.
        """

    @staticmethod
    def from_bytes(bytes: bytes) -> HeavyKeyStream:
        """
        Read a state that `to_bytes` wrote.

        Parameters
        ----------
        bytes : bytes
            The state.

        Returns
        -------
        HeavyKeyStream
            A stream that continues as the other one would.

        Raises
        ------
        IoError
            If `to_bytes` does not write such bytes.
        """

    def __getstate__(self) -> bytes: ...

    def __setstate__(self, arg: bytes, /) -> None: ...

    def __repr__(self) -> str: ...

class KeptKeys:
    """
    The keys that a stream of heavy keys keeps.

    Attributes
    ----------
    indices : ndarray of shape (m,)
        Positions of the keys in the stream, ascending.
    scores : ndarray of shape (m,)
        Scores of the keys.
    keys : ndarray of shape (m, d)
        The keys.
    values : ndarray of shape (m, d_v)
        The values.
    rank : int
        Numerical rank of all keys, or of their symmetric powers.
    """

    @property
    def indices(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]:
        """(m,) Positions of the keys in the stream, ascending."""

    @property
    def scores(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(m,) Scores of the keys."""

    @property
    def keys(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(m, d) The keys."""

    @property
    def values(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(m, d_v) The values."""

    @property
    def rank(self) -> int:
        """Numerical rank of all keys, or of their symmetric powers."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

class SelectedAttention:
    """
    Attention over selected keys.

    Attributes
    ----------
    output : ndarray of shape (n_q, d_v)
        The output.
    captured_mass : ndarray of shape (n_q,)
        Share of all keys' weights that the selected keys have.
    """

    @property
    def output(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """(n_q, d_v) The output."""

    @property
    def captured_mass(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """(n_q,) Share of all keys' weights that the selected keys have."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

def attend_selected(queries: numpy.typing.ArrayLike, keys: numpy.typing.ArrayLike, values: numpy.typing.ArrayLike, indices: numpy.typing.ArrayLike, *, power: float | None = None, scale: float = 1.0) -> SelectedAttention:
    """
    Compute attention over selected keys: output_i = sum_j w_ij v_j.

    With a power, w_ij = |<q_i, k_j>|^power over its sum for all keys. Without, w_ij is the softmax of
    scale <q_i, k_j> over the selected keys.

    Parameters
    ----------
    queries : array_like of shape (n_q, d)
        The queries, computed with in float32.
    keys : array_like of shape (n, d)
        All keys.
    values : array_like of shape (n, d_v)
        All values.
    indices : array_like of shape (m,), int
        The selected keys, each once.
    power : float, optional
        p >= 1; None for softmax.
    scale : float
        Scale of the softmax.

    Returns
    -------
    SelectedAttention
        The output and the captured mass of each query.

    Raises
    ------
    ValueError
        If shapes do not fit, the power is below 1, an index is out of range, or an entry is not finite.

    Notes
    -----
    Polynomial attention over keys such as those that `select_heavy_keys` returns [1]_. Weights are float64. A
    query that is orthogonal to all keys has weights 0. Cost: 2 n_q m (d + d_v) flops for the selected keys,
    and a Gram matrix or all products for the denominators.

    References
    ----------
    .. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
       efficient algorithm for heavy attentions", ICLR 2025.

    Examples
    --------
    >>> from loewner.attention import attend_selected
    >>> found = attend_selected([[1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [[2.0], [4.0]], [0], power=2)
    >>> found.output, found.captured_mass
    (array([[1.]], dtype=float32), array([0.5]))
    """

def select_heavy_keys(keys: numpy.typing.ArrayLike, *, eps: float | None = None, max_keys: int | None = None, power: float = 2.0, protect_first: int = 0, protect_last: int = 0, ridge: float = 0.0, center: bool = False) -> HeavyKeys:
    """
    Select every key that can have a large attention weight for some query.

    The weight of key j for a query q is |<q, k_j>|^power / sum_l |<q, k_l>|^power.

    Parameters
    ----------
    keys : array_like of shape (n, d)
        The keys, computed with in float32.
    eps : float, optional
        Keeps every key that can have a weight of eps, in (0, 1]. Exactly one of `eps` and `max_keys`.
    max_keys : int, optional
        Keeps so many keys with the highest scores.
    power : float
        p >= 1, finite.
    protect_first, protect_last : int
        Numbers of first and last keys that are kept with any score.
    ridge : float
        Added to the diagonal of the Gram matrix, >= 0; even powers only.
    center : bool
        Subtracts the mean key first: a heuristic for softmax, without a bound.

    Returns
    -------
    HeavyKeys
        Kept keys, scores and the certified eps.

    Raises
    ------
    ValueError
        If an option is out of range or an entry is not finite (the message names its row and column).

    Notes
    -----
    Scores are leverage scores for power 2, exact to rounding, and upper bounds for other powers [1]_. They
    do not bound softmax weights. Cost: 3 n d^2 flops for power 2. Results have the same bits for any number of
    threads.

    References
    ----------
    .. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
       efficient algorithm for heavy attentions", ICLR 2025.

    Examples
    --------
    >>> from loewner.attention import select_heavy_keys
    >>> heavy = select_heavy_keys([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]], eps=0.6)
    >>> heavy.indices.tolist(), heavy.scores.round(6).tolist()
    ([0], [1.0, 0.5, 0.5])
    """

__all__: list = ['HeavyKeyStream', 'HeavyKeys', 'KeptKeys', 'SelectedAttention', 'attend_selected', 'select_heavy_keys']
