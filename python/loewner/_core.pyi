"""The C++ core of loewner."""

from collections.abc import Callable, Mapping, Sequence
import enum
import os
from typing import Annotated, Any

import numpy
import numpy.typing
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
    """The version of the package and of its command line."""

class IoError(OSError):
    """A file cannot be read or written, or breaks a rule of its format."""

class BudgetError(RuntimeError):
    """No encoding meets the budget."""

def num_threads() -> int:
    """
    Return the number of threads that computations use.

    Returns
    -------
    int
        By default the number of processors on which this process may run.

    Examples
    --------
    >>> import loewner
    >>> loewner.num_threads() >= 1
    True
    """

def set_num_threads(count: int) -> None:
    """
    Set the number of threads for the whole process.

    Parameters
    ----------
    count : int
        Number of threads, >= 1. Results do not depend on it.

    Raises
    ------
    ValueError
        If the count is below 1.

    Examples
    --------
    >>> import loewner
    >>> loewner.set_num_threads(loewner.num_threads())
    """

class Status(enum.StrEnum):
    """Why an iterative solver stopped. The result is usable in every case."""

    converged = 'converged'
    """The stopping rule is met."""

    max_iterations = 'max_iterations'
    """The iteration limit is reached; the result is the best iterate."""

    stalled = 'stalled'
    """Rounding prevents a further decrease."""

    breakdown = 'breakdown'
    """A step cannot be computed; the result is the last good iterate."""

class FitReport:
    """
    The convergence report of an iterative solver.

    Attributes
    ----------
    status : Status
        Why the solver stopped.
    iterations : int
        Iterations done.
    initial_objective : float
        Objective at the start.
    final_objective : float
        Objective of the result.
    detail : str
        Explanation; may be empty.
    """

    @property
    def status(self) -> Status:
        """Why the solver stopped."""

    @property
    def iterations(self) -> int:
        """Iterations done."""

    @property
    def initial_objective(self) -> float:
        """Objective at the start."""

    @property
    def final_objective(self) -> float:
        """Objective of the result."""

    @property
    def detail(self) -> str:
        """Explanation; may be empty."""

    def __repr__(self) -> str: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple, /) -> None: ...

def set_thread_team(run: int, size: int) -> None:
    """
    Run operations of StoredMatrix on the threads of an OpenMP runtime, given by the addresses of its GOMP_parallel and omp_get_max_threads; 0, 0: on own threads.
    """

class StoredMatrix:
    """
    An encoded matrix over arrays in memory.

    Parameters
    ----------
    specification : str
        The entry of the tensor in quantization_config, as JSON (docs/format.md).
    arrays : dict
        The stored arrays by name, two-dimensional and in C order. They are not copied and must not change.

    Raises
    ------
    IoError
        If an array is missing or does not fit the specification.
    ValueError
        If an array has another type than uint8, float16 or float32.

    Notes
    -----
    Rows are decoded when they are needed; nothing else is kept in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from loewner import StoredMatrix
    >>> specification = '{"structure": "low_rank", "rows": 3, "cols": 2, "rank": 1, "format": "f32"}'
    >>> factors = {"left": np.ones((3, 1), np.float32), "right": np.ones((1, 2), np.float32)}
    >>> matrix = StoredMatrix(specification, factors)
    >>> matrix
    StoredMatrix(rows=3, cols=2, structure='low_rank')
    >>> matrix.decode()
    array([[1., 1.],
           [1., 1.],
           [1., 1.]], dtype=float32)


    Attributes
    ----------
    rows : int
        Number of rows.
    cols : int
        Number of columns.
    structure : str
        The structure of the specification.
    """

    def __init__(self, specification: str, arrays: dict) -> None: ...

    def decode_rows(self, ids: numpy.typing.ArrayLike) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        Decode some rows.

        Parameters
        ----------
        ids : array_like of shape (m,), int
            Row numbers.

        Returns
        -------
        ndarray of shape (m, d), float32
            The rows.

        Raises
        ------
        IndexError
            If a row number is out of range.
        """

    def decode(self) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        Decode the whole matrix.

        Returns
        -------
        ndarray of shape (n, d), float32
            The matrix.
        """

    def apply(self, x: numpy.typing.ArrayLike) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """
        Multiply vectors by the matrix W: x W^T.

        Parameters
        ----------
        x : array_like of shape (b, d)
            The vectors, computed with in float32.

        Returns
        -------
        ndarray of shape (b, n), float32
            The products.

        Raises
        ------
        ValueError
            If x has another number of columns than W.
        """

    def multiply(self, x: numpy.typing.ArrayLike, transposed: bool = True, bias: numpy.typing.ArrayLike | None = None, threads: int = 1, out: numpy.typing.NDArray[numpy.float32] | None = None) -> numpy.typing.NDArray[numpy.float32]:
        """
        Multiply vectors by the matrix W in 8-bit integers.

        Parameters
        ----------
        x : array_like of shape (b, d), or (b, n) if not transposed
            The vectors, in float32.
        transposed : bool, default True
            Whether the product is x W^T, as in a linear layer, or x W.
        bias : array_like of shape (n,), or (d,) if not transposed, optional
            Added to each product.
        threads : int, default 1
            The most threads to use.
        out : ndarray of shape (b, n), or (b, d) if not transposed, float32, optional
            Where to write the products, in C order. The default is a new array.

        Returns
        -------
        ndarray of shape (b, n), or (b, d) if not transposed, float32
            The products, the same for any number of threads and on every processor; `out` if it is given.

        Raises
        ------
        ValueError
            If x has another number of columns, `out` another shape, or the structure of W no such product.

        Notes
        -----
        Each vector is rotated and rounded to 255 steps, W to 255 levels. For integers, vectors are rounded to 16 bits
        instead, and W stays as it is. docs/design/kernels.md has the errors.
        """

    def multiplies_bytes(self, transposed: bool = True) -> bool:
        """
        Whether `multiply` is the better product.

        Parameters
        ----------
        transposed : bool, default True
            Whether the product is x W^T or x W.

        Returns
        -------
        bool
            Whether there is such a product for W, it is about as accurate as that of the decoded matrix, and at least as fast
            on this processor: from AVX2 on for codes of up to 6 bits an entry and for products of at least 16 rows for each
            column, from AVX-512 VNNI on for integers.
        """

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def cols(self) -> int:
        """Number of columns."""

    @property
    def structure(self) -> str:
        """The structure of the specification."""

    def __repr__(self) -> str: ...

def encode_input_codes(w: numpy.typing.ArrayLike, second: numpy.typing.ArrayLike, cross: numpy.typing.ArrayLike | None, correction: float, max_bytes: int, seed: int, inputs: str, damping: float = 0.01, rotate: bool = True) -> tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None))], int, float, float]:
    """
    Private: (decoded matrix, bytes, mean bits, relative output error) of feedback codes.
    """

def trellis_levels(bits: int) -> list[float]:
    """Private: the levels of codes of some bits, increasing."""

def rotation_signs(cols: int, seed: int) -> list[float]:
    """Private: the signs of the rotation, those of one round after another."""

class Selection(enum.Enum):
    """
    The tensors that `compress` encodes, before `include` and `exclude` apply.
    """

    embeddings = 0
    """Token embeddings."""

    linear = 1
    """Linear layers and heads."""

    all = 2
    """Token embeddings, linear layers and heads."""

class Method(enum.Enum):
    """How `compress` encodes a matrix."""

    auto = 0
    """
    The other method with the lowest predicted weighted error at the given size.
    """

    svd = 1
    """Row-weighted truncated SVD, optimal in the weighted Frobenius norm."""

    lp = 2
    """Truncated l_p factorization through Lewis weights."""

    subspaces = 3
    """Rows in clusters, each cluster with a subspace of its own."""

    codes = 4
    """
    Rotated rows with 0 to 8 bits per entry, more bits for rows with more weight.
    """

    coded_svd = 5
    """
    Codes of the coordinates along the principal directions, more bits for larger ones.
    """

    archetypes = 6
    """
    Rows as scaled convex mixtures of a few archetypes, and codes of the residual.
    """

    int8 = 7
    """Rounding to 8 bits, one scale per row."""

    int4 = 8
    """Rounding to 4 bits, one scale per 64 entries."""

    dense = 9
    """The matrix itself in f16 or bf16."""

def weighs_outputs(method: Method) -> bool:
    """
    Whether a method minimizes the error of a layer's outputs if the moments of its inputs are known.
    """

def weighs_channels(method: Method) -> bool:
    """
    Whether a method minimizes the error in a metric of a table's channels.
    """

def token_frequencies(folder: str | os.PathLike, rows: int) -> list[float]:
    """
    Frequencies of the tokens of a model, relative to the largest, as its tokenizer lets estimate them; empty if it cannot be read.
    """

class NumberFormat(enum.Enum):
    """The number format of stored factors."""

    f32 = 0
    """float32, 4 bytes a number."""

    f16 = 1
    """float16, 2 bytes: 11 significant bits."""

    bf16 = 2
    """bfloat16, 2 bytes: 8 significant bits and the range of float32."""

class IfExists(enum.Enum):
    """What to do if the output exists."""

    refuse = 0
    """Raise IoError."""

    resume = 1
    """Continue an interrupted run; raise IoError if the output is complete."""

    overwrite = 2
    """Replace an output of loewner or an empty folder."""

def compress(model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], progress: Callable[[str, float], None] | None = None, **method_options: int | str | None) -> dict[str, Any]:
    """The report of loewner.compress as JSON data."""

def hash64(arrays: Sequence[Annotated[NDArray[numpy.uint8], dict(shape=(None,), order='C', device='cpu', writable=False)]]) -> str:
    """
    The checksum of docs/format.md over the bytes of arrays, one after another.
    """

def verify(output: str | os.PathLike, model: str | os.PathLike | None = None, *, row_weights: str | os.PathLike | None = None, moments: str | os.PathLike | None = None, progress: Callable[[str, float], None] | None = None) -> dict[str, Any]:
    """The report of loewner.verify as JSON data."""

def expand(model: str | os.PathLike, output: str | os.PathLike, *, if_exists: IfExists = IfExists.refuse, progress: Callable[[str, float], None] | None = None) -> None:
    """See loewner.expand."""

def parse_byte_size(name: str, text: str) -> int:
    """
    Reads a size such as '1.5GB' as a number of bytes. The error message begins with `name`.
    """

def store_refit(output: str | os.PathLike, model: str | os.PathLike, target: str | os.PathLike, factors: Sequence[tuple[str, str, Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], dict]], if_exists: IfExists = IfExists.refuse, row_weights: str | os.PathLike | None = None) -> dict[str, Any]:
    """
    Writes `target`: the encoded folder `output` with these factors (tensor, array, values, record) in place of its own. Returns the report of these tensors as JSON data.
    """

class MomentsUse(enum.Enum):
    """What moments of a layer's inputs are for."""

    plan = 0
    """the bytes of the layer"""

    code = 1
    """its encoding"""

class SessionTensor:
    """A selected tensor of a CompressSession."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...

    @property
    def inputs(self) -> str | None:
        """
        The side of the matrix that multiplies the layer's inputs, 'cols' or 'rows'; None if it is no linear layer.
        """

    @property
    def tied(self) -> list[str]:
        """Its stored copies, which the output leaves out."""

    @property
    def done(self) -> bool:
        """Whether an earlier run encoded it."""

class PlannedTensor:
    """What CompressSession.plan decides for a tensor."""

    @property
    def copied(self) -> bool:
        """No encoding is smaller than the tensor."""

    @property
    def bytes(self) -> int | None:
        """Of the arrays; None with `max_error`, or if the tensor is copied."""

    @property
    def error(self) -> float | None:
        """Predicted relative squared error; None without candidates."""

def write_moments_file(path: str | os.PathLike, model: str, inputs: Mapping[str, tuple[Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)], int]], layers: Mapping[str, str], importance: Mapping[str, float], token_counts: Sequence[int] = []) -> None:
    """
    Writes a moments file without corrections (docs/moments.md). `model`: the fingerprint. `inputs`: (second moment, tokens) by name. `layers`: the name in `inputs` for each layer's tensor.
    """

class CompressSession:
    """
    loewner.compress in steps: survey, plan, encode each tensor in any order, finish.

    Tensors are named by their number in `tensors`. `second` and `cross` are moments of a layer's inputs, d x d; without `second` an encoding is blind to them. Threads may call survey, trial, encode and decoded at the same time.
    """

    def __init__(self, model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], text: str = '', **method_options: int | str | None) -> None: ...

    @property
    def model_fingerprint(self) -> str:
        """Hash of the model, as moments files name it."""

    @property
    def complete(self) -> bool:
        """
        Whether an earlier run finished the output: only finish() is left to call.
        """

    @property
    def dry_run(self) -> bool:
        """
        Whether nothing is written: encode() is refused, and finish() predicts.
        """

    @property
    def tensors(self) -> list[SessionTensor]: ...

    def survey(self, tensor: int, second: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None) -> None:
        """
        Computes and keeps the candidates of a tensor; the moments are not kept.
        """

    def candidates(self, tensor: int) -> list[tuple[int, float]]:
        """
        Bytes of the arrays and relative squared error of each candidate, of the outputs if surveyed with moments.
        """

    def plan(self, importance: Mapping[int, float] = {}) -> list[PlannedTensor]:
        """
        Divides the budget over the candidates; may be called again. `importance` is the weight of a tensor's relative squared error, its number of entries if it is not given.
        """

    def trial(self, tensor: int, bytes: int, second: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None, *, cross: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None, correction: float = 0.0) -> tuple:
        """The matrix and the bytes of an encoding that is not kept."""

    def encode(self, tensor: int, second: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None, *, cross: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None, correction: float = 0.0) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))] | None:
        """
        Encodes a tensor as planned, unless an earlier run did, and returns the decoded matrix; None if it is copied, because no encoding meets its budget. Without `second` it takes the moments of the option `moments`, if there are any.
        """

    def decoded(self, tensor: int) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """The matrix of an encoded tensor."""

    def finish(self, claims: object | None = None, *, of_tensors: object | None = None, notes: Sequence[str] = [], progress: Callable[[str, float], None] | None = None) -> dict[str, Any]:
        """
        Publishes the output; returns the report of loewner.compress. `claims`, and `of_tensors` by the tensor's name, are JSON data that become fields `calibration` of the report and of config.json. `notes` join those of the report.
        """

    @property
    def table(self) -> str:
        """What the command line prints of the report; empty before finish()."""

    def __enter__(self) -> CompressSession: ...

    def __exit__(self, type: object | None, value: object | None, traceback: object | None) -> None: ...

    def keep_moments(self, tensor: int, use: MomentsUse, second: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)], *, cross: Annotated[NDArray[numpy.float32], dict(shape=(None, None), device='cpu', writable=False)] | Annotated[NDArray[numpy.float64], dict(shape=(None, None), device='cpu', writable=False)] | None = None, correction: float = 0.0, tokens: int, same_as: int | None = None) -> None:
        """
        Keeps moments, rounded to float32, for `save_moments` and for a session that resumes this one. `same_as`: a tensor whose moments of this use are kept already; only the correction is taken then.
        """

    def kept_moments(self, tensor: int, use: MomentsUse) -> tuple[Annotated[NDArray[numpy.float64], dict(shape=(None, None))], Annotated[NDArray[numpy.float64], dict(shape=(None, None))] | None, float, int] | None:
        """
        (second, cross or None, correction, tokens) of keep_moments(), here or in an earlier run, or None.
        """

    def keep_importance(self, importance: Mapping[int, float], record: object) -> None:
        """
        Keeps the importance of the plan like moments, and JSON data of the caller.
        """

    def kept_importance(self) -> tuple[dict[int, float], object] | None:
        """
        (importance, record) of keep_importance(), here or in an earlier run, or None.
        """

class PartToMake:
    """A part of an output: the encoding of one tensor."""

    @property
    def number(self) -> int:
        """Of the tensor in CompressSession.tensors."""

    @property
    def name(self) -> str: ...

    @property
    def cost(self) -> float:
        """Predicted time, in no unit."""

    @property
    def memory(self) -> int:
        """Bytes of memory that its encoding takes, about."""

    @property
    def surveyed(self) -> bool:
        """What planning needs to know of the tensor is kept."""

    @property
    def made(self) -> bool:
        """Its encoding is kept, or it is known to be copied."""

class WorkersRun:
    """
    An output whose parts other processes make. Until it is closed, no other run writes the output.
    """

    def __init__(self, model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], **method_options: int | str | None) -> None: ...

    @property
    def parts(self) -> list[PartToMake]:
        """All parts, the most expensive first; empty if the output is complete."""

    @property
    def max_memory(self) -> int:
        """The limit of resident memory in bytes."""

    def plan(self) -> None:
        """Divides the budget; workers then read one file for all surveys."""

    def leave(self, keeps_parts: bool) -> None:
        """Closes a run that failed; its parts stay or are removed."""

    def __enter__(self) -> WorkersRun: ...

    def __exit__(self, type: object | None, value: object | None, traceback: object | None) -> None: ...

def survey_parts(model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], tensors: Sequence[int], **method_options: int | str | None) -> None:
    """Keeps what planning needs to know of tensors, by number."""

def make_parts(model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], tensors: Sequence[int], **method_options: int | str | None) -> None:
    """Keeps the encodings of tensors, by number."""

def assemble_parts(model: str | os.PathLike, output: str | os.PathLike, *, keep: float | None = None, bits: float | None = None, budget: int | None = None, max_error: float | None = None, selection: Selection = Selection.embeddings, include: Sequence[str] = [], exclude: Sequence[str] = [], method: Method = Method.auto, norm_exponent: float = 1.5, row_weights: str | os.PathLike = ..., factor_format: NumberFormat = NumberFormat.f32, seed: int = 0, max_memory: int = 0, dry_run: bool = False, if_exists: IfExists = IfExists.refuse, copy_all: bool = False, moments: str | os.PathLike = '', save_moments: str | os.PathLike = '', token_counts: Sequence[int] = [], progress: Callable[[str, float], None] | None = None, **method_options: int | str | None) -> tuple[dict[str, Any], str]:
    """
    Publishes the output whose parts were made. Returns the report of loewner.compress as JSON data, and what the command line prints of it.
    """

class TensorRows:
    """
    A matrix of a model folder, read by blocks of rows and decoded if it is encoded.
    """

    def __init__(self, folder: str | os.PathLike, name: str) -> None: ...

    @property
    def shape(self) -> tuple[int, int]: ...

    def read(self, first: int, count: int) -> Annotated[NDArray[numpy.float32], dict(shape=(None, None))]:
        """Rows first, ..., first + count - 1 as float32."""

class TokenKind(enum.Enum):
    """The use of a token id."""

    unused = 0
    """no text contains it"""

    ordinary = 1

    special = 2

class Vocabulary:
    """The tokens of a tokenizer."""

    @property
    def tokens(self) -> list[str]:
        """The spelling of each token id; empty if the file gives none."""

    @property
    def kinds(self) -> list[TokenKind]:
        """The kind of each token id."""

def read_vocabulary(folder: str | os.PathLike) -> Vocabulary | None:
    """Reads the tokenizer files of a model folder. None if there are none."""

class Candidate:
    """One encoding of a matrix with its predicted size and error."""

    @property
    def method(self) -> str: ...

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""

    @property
    def error(self) -> float:
        """Relative weighted error."""

    @property
    def rank(self) -> int | None: ...

    @property
    def bits(self) -> float | None:
        """Mean bits of an entry."""

class TensorStudy:
    """An encoded tensor compared with its original."""

    @property
    def squared_norm(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||a_i||_2^2 for each row of the original."""

    @property
    def squared_error(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||a_i - b_i||_2^2 for each row."""

    @property
    def row_weights(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """
        The row weights of the stored errors; empty if all rows have the same weight.
        """

    @property
    def frequency(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """
        Estimated frequency of each row's token; empty unless the tensor is a token embedding.
        """

    @property
    def rank_error(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,))]:
        """||A - A_k||_F / ||A||_F of the original, k = 0, 1, ..."""

    @property
    def array_bytes(self) -> int:
        """Bytes of the stored arrays, comparable with Candidate.bytes."""

    @property
    def rank_error_exact(self) -> bool:
        """False: estimated from a sketch, within about 15 %."""

    @property
    def candidates(self) -> list[Candidate]:
        """Encodings by every method, under the row weights."""

    @property
    def notes(self) -> list[str]:
        """What is unknown, and why."""

def claimed_report(output: str | os.PathLike, model: str | os.PathLike | None = None) -> dict[str, Any]:
    """
    The report that an encoded folder stores about itself, as JSON data, with the sizes of its files. Sizes before encoding are those of `model`, or zero without one.
    """

def study_tensor(output: str | os.PathLike, model: str | os.PathLike, name: str, row_weights: str | os.PathLike | None = None) -> TensorStudy:
    """Compares one encoded tensor with its original."""

def run_command_line(arguments: Sequence[str], run_in_python: Callable | None = None) -> int:
    """
    Runs `loewner ARGUMENTS` and returns its exit code. run_in_python(name, options) runs a command of the Python package; without it these commands are refused.
    """
