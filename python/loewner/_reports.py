# SPDX-License-Identifier: Apache-2.0
"""The reports of `compress` and `verify` as objects. Fields and JSON are those of docs/report.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

from loewner._text import byte_text, percent

_SHOWN_TENSORS = 20  # lines of a repr


class JsonReport:
    """A dataclass that is written as a JSON object."""

    _left_out_if_none: ClassVar[frozenset[str]] = frozenset()  # optional fields; others are null in JSON
    _unpacked: ClassVar[frozenset[str]] = frozenset()  # mappings whose entries are fields of the report in JSON

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data (docs/report.md)."""
        return dict(_items_of(self))

    def to_json(self) -> str:
        """The report as JSON text, as the command line writes it with --json."""
        return json.dumps(self.to_dict(), indent=2)


def _items_of(report: Any) -> Iterator[tuple[str, Any]]:
    """Names and values in JSON."""
    for field in fields(report):
        value = getattr(report, field.name)
        if field.name in report._unpacked:
            yield from value.items()
        elif value is not None or field.name not in report._left_out_if_none:
            yield field.name, _plain(value)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return dict(_items_of(value))
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class RefittedFactor(JsonReport):
    """How `loewner refit` fitted one factor of a tensor.

    Attributes
    ----------
    factor : str
        The fitted array, "left" or "right".
    norm_exponent : float
        p of the error |.|_p^p of the layer's outputs.
    tokens : int
        Rows of the regression: distinct tokens for a table, tokens of the text for other layers.
    chosen : int
        Tokens whose original outputs were used.
    shrinkage : float or None
        Weight of the penalty on the correction. None if no correction lowered the estimated error.
    estimated_ratio : float
        Estimated error of the outputs after the fit, divided by the error before it, both to the power p.
    """

    factor: str
    norm_exponent: float
    tokens: int
    chosen: int
    shrinkage: float | None
    estimated_ratio: float


@dataclass(frozen=True, repr=False)
class TensorReport(JsonReport):
    """One encoded tensor: encoding, size and errors.

    Attributes
    ----------
    name, role, shape
        Of the original tensor.
    method : str
        The method that encoded it.
    structure : str
        How it is stored (docs/format.md).
    rank : int or None
        Rank of the factors, if there are any.
    counts : mapping of str to int or None
        Counts that single methods report, such as the number of clusters. None for other methods. In JSON each count is
        a field of its own.
    bits : float or None
        Mean bits of an entry, if entries are quantized.
    row_weights : str
        The source of the row weights u_i.
    bytes_before, bytes_after : int
        Data and metadata in the files.
    predicted_error : float
        Weighted relative error before rounding to the stored number format.
    relative_error, weighted_relative_error : float
        ||A - B||_F / ||A||_F without and with row weights. 0 after a dry run.
    norm_exponent, lp_error : float
        p and the weighted relative error in the entrywise l_p norm.
    lp_error_svd : float or None
        `lp_error` of the truncated SVD of the same rank.
    certificate : float or None
        Proved distortion of the ellipsoid behind an l_p factorization.
    seconds : float
        Time spent on this tensor.
    refit : RefittedFactor or None
        Only in reports of `refit`.
    output_error : float or None
        Relative error of the layer's outputs, if moments of its inputs were given.
    calibration : mapping or None
        What calibration on a text did for this tensor.
    """

    _left_out_if_none: ClassVar[frozenset[str]] = frozenset({"refit", "output_error", "calibration"})
    _unpacked: ClassVar[frozenset[str]] = frozenset({"counts"})

    name: str
    role: str
    shape: tuple[int, int]
    method: str
    structure: str
    rank: int | None
    counts: Mapping[str, int | None]
    bits: float | None
    row_weights: str
    bytes_before: int
    bytes_after: int
    predicted_error: float
    relative_error: float
    weighted_relative_error: float
    norm_exponent: float
    lp_error: float
    lp_error_svd: float | None
    certificate: float | None
    seconds: float
    refit: RefittedFactor | None = None
    output_error: float | None = None
    calibration: Mapping[str, Any] | None = None

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> TensorReport:
        """The report of one tensor from JSON data. Fields that this class does not have are counts."""
        known = {field.name for field in fields(TensorReport)}
        counts = {name: value for name, value in data.items() if name not in known}
        others = {name: value for name, value in data.items() if name in known}
        return TensorReport(**{**others, "shape": tuple(data["shape"]), "counts": counts})

    def __repr__(self) -> str:
        return f"<TensorReport {self._line()}>"

    def _line(self) -> str:
        sizes = f"{byte_text(self.bytes_before)} -> {byte_text(self.bytes_after)}"
        measured = self.weighted_relative_error > 0
        error = self.weighted_relative_error if measured else self.predicted_error
        kind = "weighted error" if measured else "predicted error"
        return f"{self.name}: {self.shape[0]} x {self.shape[1]}, {self.method}, {sizes}, {kind} {error:.4f}"


@dataclass(frozen=True)
class Totals(JsonReport):
    """Bytes of whole folders, and the time of the run.

    Attributes
    ----------
    weights_bytes_before, weights_bytes_after : int
        Bytes of all weight files.
    folder_bytes_before, folder_bytes_after : int
        Bytes of all files.
    seconds : float
        Time of the whole run.
    """

    weights_bytes_before: int
    weights_bytes_after: int
    folder_bytes_before: int
    folder_bytes_after: int
    seconds: float


@dataclass(frozen=True, repr=False)
class CompressReport(JsonReport):
    """The result of `compress` and of `refit`.

    Attributes
    ----------
    tensors : tuple of TensorReport
        The encoded tensors.
    totals : Totals
        Bytes of whole folders, and the time of the run.
    notes : tuple of str
        Messages for the user, for example about skipped tensors.
    calibration : mapping or None
        What calibration on a text did for the model.
    """

    _left_out_if_none: ClassVar[frozenset[str]] = frozenset({"calibration"})

    tensors: tuple[TensorReport, ...]
    totals: Totals
    notes: tuple[str, ...]
    calibration: Mapping[str, Any] | None = None

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> CompressReport:
        """The report from JSON data."""
        tensors = tuple(TensorReport.from_dict(tensor) for tensor in data["tensors"])
        return CompressReport(tensors, Totals(**data["totals"]), tuple(data["notes"]), data.get("calibration"))

    def __repr__(self) -> str:
        before, after = self.totals.weights_bytes_before, self.totals.weights_bytes_after
        share = f" ({percent(after / before)})" if before else ""
        head = (
            f"weights {byte_text(before)} -> {byte_text(after)}{share}, {_count(len(self.tensors), 'encoded tensor')}"
        )
        lines = [tensor._line() for tensor in self.tensors[:_SHOWN_TENSORS]]
        if len(self.tensors) > _SHOWN_TENSORS:
            lines.append(f"... and {len(self.tensors) - _SHOWN_TENSORS} more")
        return _titled("CompressReport", head, [*lines, *(f"note: {note}" for note in self.notes)])


@dataclass(frozen=True)
class CalibrateReport(JsonReport):
    """The result of `calibrate`.

    Attributes
    ----------
    tokens : int
        Tokens of the text that were counted, or on which the model was run.
    distinct, vocabulary : int or None
        Different tokens among them, and entries of the tokenizer. Only with counts.
    text : str or None
        The text on which the model was run. Only with moments.
    layers, inputs : int or None
        Linear layers that the text reaches, and the different inputs that they have. Only with moments.
    """

    _left_out_if_none: ClassVar[frozenset[str]] = frozenset({"distinct", "vocabulary", "text", "layers", "inputs"})

    tokens: int
    distinct: int | None = None
    vocabulary: int | None = None
    text: str | None = None
    layers: int | None = None
    inputs: int | None = None


@dataclass(frozen=True)
class TensorErrors(JsonReport):
    """Errors that `verify` recomputed. Fields as in TensorReport; None if the output stores no such value."""

    _left_out_if_none: ClassVar[frozenset[str]] = frozenset({"output_error"})

    relative_error: float
    weighted_relative_error: float
    lp_error: float
    lp_error_svd: float | None
    certificate: float | None
    output_error: float | None = None


@dataclass(frozen=True)
class CheckedTensor(JsonReport):
    """One tensor as `verify` found it.

    Attributes
    ----------
    claimed : TensorReport
        The report stored in the output.
    found : TensorErrors or None
        The recomputed errors; None without the original.
    failures : tuple of str
        The stored values that differ from the recomputed ones; empty if verification succeeded.
    """

    claimed: TensorReport
    found: TensorErrors | None
    failures: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class VerifyReport(JsonReport):
    """The result of `verify`.

    Attributes
    ----------
    holds : bool
        True if verification succeeded: neither a tensor nor the folder has failures.
    tensors : tuple of CheckedTensor
        The encoded tensors.
    untouched_tensors : int
        Other tensors, which were compared with the original byte for byte.
    untouched_files : int
        Files other than weights and config.json that equal the original's.
    checked_files : int
        Files that have a checksum.
    failures : tuple of str
        Failures of other tensors, files, config.json and sizes.
    notes : tuple of str
        Changed files, and checks that were not possible.
    weights_bytes_before, weights_bytes_after : int
        Bytes of all weight files.
    """

    holds: bool
    tensors: tuple[CheckedTensor, ...]
    untouched_tensors: int
    untouched_files: int
    checked_files: int
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    weights_bytes_before: int
    weights_bytes_after: int

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> VerifyReport:
        """The report from JSON data."""
        tensors = tuple(
            CheckedTensor(
                TensorReport.from_dict(tensor["claimed"]),
                None if tensor["found"] is None else TensorErrors(**tensor["found"]),
                tuple(tensor["failures"]),
            )
            for tensor in data["tensors"]
        )
        lists = {name: tuple(data[name]) for name in ("failures", "notes")}
        return VerifyReport(**{**data, **lists, "tensors": tensors})

    def __repr__(self) -> str:
        counts = f"{_count(len(self.tensors), 'encoded tensor')}, {_count(self.untouched_tensors, 'unchanged tensor')}"
        failures = [f"{tensor.claimed.name}: {failure}" for tensor in self.tensors for failure in tensor.failures]
        notes = [f"note: {note}" for note in self.notes]
        head = f"verification {'succeeded' if self.holds else 'FAILED'}, {counts}"
        return _titled("VerifyReport", head, [*failures, *self.failures, *notes])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _titled(title: str, head: str, lines: list[str]) -> str:
    return f"<{title}: {head}" + "".join(f"\n  {line}" for line in lines) + ">"
