"""The C++ core of loewner."""

from collections.abc import Callable, Sequence
import enum
import os
from typing import Annotated, Any

import numpy
from numpy.typing import NDArray

from loewner import (
    attention as attention,
    cluster as cluster,
    linalg as linalg,
    lowrank as lowrank,
    norms as norms,
    regression as regression,
    sketch as sketch
)


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
