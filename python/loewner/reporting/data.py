# SPDX-License-Identifier: Apache-2.0
"""The content of a report as plain data: an encoded folder alone, or compared with its original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loewner._structures import STRUCTURES
from loewner.reporting.evaluations import Score
from loewner.reporting.nearest_tokens import Neighbor
from loewner.reporting.row_errors import RowErrors


@dataclass(frozen=True)
class Sizes:
    """Bytes of files. Sizes before encoding are None without the original."""

    weights_before: int | None
    weights_after: int
    folder_before: int | None
    folder_after: int


@dataclass(frozen=True)
class RankError:
    """||A - A_k||_F / ||A||_F and sigma_k / ||A||_F. The latter is None if the curve is estimated."""

    rank: int
    left: float
    direction: float | None


@dataclass(frozen=True)
class Point:
    """One encoding of a matrix: bytes of its arrays and its predicted relative weighted error."""

    bytes: int
    error: float
    rank: int | None
    bits: float | None


@dataclass(frozen=True)
class Study:
    """A tensor compared with its original. The errors are recomputed from the files."""

    array_bytes: int  # without metadata, comparable with Point.bytes
    relative_error: float
    weighted_relative_error: float | None  # None if the row weights are not available
    claims_hold: bool  # the stored values of these two errors agree with the recomputed ones
    spectrum: Sequence[RankError]
    spectrum_exact: bool
    offers: Mapping[str, Sequence[Point]]  # candidate encodings by method, in increasing order of bytes
    rows: RowErrors
    notes: Sequence[str]


@dataclass(frozen=True)
class Tensor:
    """One encoded tensor: fields of docs/report.md and what the report adds to them."""

    name: str
    role: str
    rows: int
    cols: int
    method: str
    structure: str
    refitted: str | None  # the factor that `loewner refit` fitted
    rank: int | None
    counts: Mapping[str, int | None]  # of single methods, such as the number of clusters
    bits_per_weight: float  # all bytes of the tensor, metadata included
    row_weights: str
    bytes_before: int | None
    bytes_after: int
    relative_error: float
    weighted_relative_error: float
    norm_exponent: float
    lp_error: float
    lp_error_svd: float | None
    certificate: float | None
    nearest: Mapping[str, Sequence[Sequence[Neighbor]]]  # nearest tokens of each row of an array of directions
    study: Study | None

    def to_dict(self) -> dict[str, Any]:
        """JSON data. The nearest tokens of an array are under the name of the array; empty for other structures."""
        fields = asdict(self)
        counts, nearest = fields.pop("counts"), fields.pop("nearest")
        arrays = {structure.directions for structure in STRUCTURES.values() if structure.directions}
        return {**fields, **counts, **{array: nearest.get(array, []) for array in sorted(arrays)}}


@dataclass(frozen=True)
class Report:
    """Folders appear by their last name only: a page must not reveal the paths of a machine."""

    output: str
    model: str | None
    producer: str
    command: str | None  # from the model card
    sizes: Sizes
    tensors: Sequence[Tensor]
    scores: Sequence[Score]

    def to_dict(self) -> dict[str, Any]:
        """JSON data (docs/report.md)."""
        return {**asdict(self), "tensors": [tensor.to_dict() for tensor in self.tensors]}
