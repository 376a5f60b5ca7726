# SPDX-License-Identifier: Apache-2.0
"""Tables of the commands on ONNX files, in the form that the core prints for folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of cells in columns; the first `left` columns are flush left, the others flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def megabytes(count: int) -> str:
    return f"{count / 1e6:.2f}"


def report_table(report: dict[str, Any], is_dry_run: bool) -> str:
    """What a compression did, or would do."""
    rows = [["tensor", "shape", "method", "bits", "MB before", "MB after", "predicted" if is_dry_run else "error"]]
    for tensor in report["tensors"]:
        error = tensor["predicted_error"] if is_dry_run else tensor["relative_error"]
        rows.append(
            [
                tensor["name"],
                " x ".join(map(str, tensor["shape"])),
                tensor["method"],
                "-" if tensor["bits"] is None else f"{tensor['bits']:.2f}",
                megabytes(tensor["bytes_before"]),
                megabytes(tensor["bytes_after"]),
                f"{error:.4f}",
            ]
        )
    totals = report["totals"]
    before, after = totals["weights_bytes_before"], totals["weights_bytes_after"]
    end = "; nothing written" if is_dry_run else ""
    last = f"model {megabytes(before)} -> {megabytes(after)} MB ({100 * after / before:.1f}% kept){end}"
    return "\n".join([aligned(rows), last, *(f"note: {note}" for note in report["notes"])])


def verification_table(report: dict[str, Any]) -> str:
    """Claims and failures of an output."""
    rows = [["tensor", "MB after", "error", "weighted", "claims"]]
    compared = any(tensor["found"] for tensor in report["tensors"])
    for tensor in report["tensors"]:
        errors = tensor["found"] or tensor["claimed"]
        good = "hold" if compared else "checksum holds"
        rows.append(
            [
                tensor["claimed"]["name"],
                megabytes(tensor["claimed"]["bytes_after"]),
                f"{errors['relative_error']:.4f}",
                f"{errors['weighted_relative_error']:.4f}",
                "; ".join(tensor["failures"]) or good,
            ]
        )
    last = "the errors are the stored claims; --against MODEL measures them again"
    if compared:
        before, after = report["weights_bytes_before"], report["weights_bytes_after"]
        last = (
            f"{report['untouched_tensors']} other initializers equal the original's byte for byte; "
            f"model {megabytes(before)} -> {megabytes(after)} MB"
        )
    failures = [f"FAILED: {failure}" for failure in report["failures"]]
    return "\n".join([aligned(rows), last, *failures, *(f"note: {note}" for note in report["notes"])])
