"""Keys that can have a large attention weight."""

from typing import Annotated

import numpy
from numpy.typing import NDArray


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

def select_heavy_keys(keys: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float16], dict(shape=(None, None), device='cpu', writable=False)], *, eps: float | None = None, max_keys: int | None = None, power: float = 2.0, protect_first: int = 0, protect_last: int = 0, ridge: float = 0.0, center: bool = False) -> HeavyKeys:
    """
    The keys that may have a weight of eps, |<q, k_j>|^power / sum_l |<q, k_l>|^power, for some query q; or the
    max_keys ones of the highest bounds.

    keys: n x d, float32 or float16. Exact for power 2, bounds for others. Says nothing of softmax weights.
    """

__all__: list = ['HeavyKeyStream', 'HeavyKeys', 'KeptKeys', 'SelectedAttention', 'attend_selected', 'select_heavy_keys']
