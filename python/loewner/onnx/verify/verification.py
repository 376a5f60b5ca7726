# SPDX-License-Identifier: Apache-2.0
"""Checks an ONNX file that loewner wrote, alone or against its original: its arrays by the core, its graph by
onnxruntime, and everything else by comparison.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loewner import _core
from loewner.onnx.compress.staging import MODEL_TYPE
from loewner.onnx.file_checksum import checksum_failures
from loewner.onnx.reading import onnx_file_of, open_onnx
from loewner.onnx.record import Record, read_record
from loewner.onnx.verify.original_file import OriginalFile
from loewner.onnx.verify.original_folder import OriginalFolder
from loewner.onnx.verify.probing import graph_failures
from loewner.onnx.verify.stored_folder import stored_arrays, write_stored_folder

_OF_FOLDERS = ("README", "saved again", "of the original is missing", "checksums")  # in notes that a file has not


def verify_onnx(
    output: Path,
    model: Path | None,
    *,
    row_weights: Path | None = None,
    moments: Path | None = None,
    tokenizer: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """The report of `_core.verify` for a file that `compress` made of an ONNX file, or `export` of a folder."""
    small = open_onnx(onnx_file_of(output))
    record = read_record(small)
    original = None if model is None else _original(model, record, tokenizer)
    matrices = stored_arrays(small, record)
    with tempfile.TemporaryDirectory(prefix="loewner-") as temporary:
        folder = Path(temporary)
        compared = None if original is None else original.folder(folder / "model")
        config = _plain_config(record) if original is None else original.config()
        others = [] if original is None else original.others()
        write_stored_folder(folder / "encoded", config, record, matrices, others)
        report: dict[str, Any] = _core.verify(
            folder / "encoded", compared, row_weights=row_weights, moments=moments, progress=progress
        )
    report["notes"] = [note for note in report["notes"] if not any(part in note for part in _OF_FOLDERS)]
    report["weights_bytes_after"] = small.file_bytes
    failures = checksum_failures(small) + graph_failures(small, record, matrices)
    if original is not None:
        report["weights_bytes_before"] = original.bytes
        differences, report["untouched_tensors"] = original.differences(small)
        failures += differences
    report["failures"] += failures
    report["holds"] = report["holds"] and not failures
    return report


def _original(model: Path, record: Record, tokenizer: Path | None) -> OriginalFile | OriginalFolder:
    if record.source == "onnx":
        return OriginalFile(open_onnx(onnx_file_of(model)), record, tokenizer)
    if not model.is_dir():
        raise _core.IoError(f"{model}: must be the model folder, of which export made the file")
    return OriginalFolder(model, record)


def _plain_config(record: Record) -> dict[str, Any]:
    return {"model_type": MODEL_TYPE, "loewner_roles": record.roles}
