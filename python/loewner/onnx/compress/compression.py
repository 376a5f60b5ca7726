# SPDX-License-Identifier: Apache-2.0
"""Compression of an ONNX file: its matrices are encoded as those of a checkpoint, and decoders take their places.

reading     the file, checked
roles       what each matrix is for
selection   the matrices to encode
staging     a checkpoint of them for the core
moments     inputs of the linear layers on a text
rewriting   the graph with decoders
writing     the new files
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._calibration import NO_TEXT, PACKAGE_TEXT, blind_note, reason_against_text
from loewner._core import BudgetError, IfExists, IoError
from loewner.onnx.compress.moments import NoCalibration, write_moments
from loewner.onnx.compress.output import Output
from loewner.onnx.compress.rewriting import decoder_bytes, rewritten
from loewner.onnx.compress.selection import Selected, select
from loewner.onnx.compress.staging import stage, tokenizer_folder
from loewner.onnx.decoders.entropy_codes import require_operators
from loewner.onnx.reading import OnnxModel, onnx_file_of, open_onnx
from loewner.onnx.record import has_record
from loewner.onnx.writing import DataFiles, Files, write_files

Progress = Callable[[str, float], None]
LARGEST_ERROR = 1 - 1e-9  # that the core takes
TRIES = 6  # of a budget: the bytes of the decoders are known only after the encoding


def compress_onnx(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    text: str | os.PathLike[str] | None,
    *,
    tokenizer: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The report of `_core.compress` for an ONNX file, or a folder with onnx/model.onnx."""
    if options.get("moments") or options.get("save_moments"):
        raise ValueError("compress: moments files are for model folders; text calibrates ONNX files")
    require_operators(options)
    source = open_onnx(onnx_file_of(Path(model)))
    if has_record(source):
        raise IoError(f"{source.path}: is compressed already; compress the original instead")
    selected = select(source, options["selection"], options["include"], options["exclude"])
    place = Output(Path(model), source, Path(output), options["if_exists"], options["dry_run"])
    run = _Run(source, selected, tokenizer_folder(source.path, Path(tokenizer) if tokenizer else None), progress)
    with place.work() as work:
        run.stage(work)
        run.calibrate(None if text is None else os.fspath(text), options, work)
        if options["dry_run"]:
            return run.finished(run.encode(options, run.budget(options, work), work), None)
        report, files = run.fit(options, work, place.data_files())
        size = files.bytes
        place.publish(files)
    return run.finished(report, size)


@dataclass
class _Run:
    source: OnnxModel
    selected: Selected
    tokenizer: Path | None
    progress: Progress | None
    moments: Path | None = None

    def stage(self, work: Path) -> None:
        shutil.rmtree(work / "model", ignore_errors=True)
        stage(self.source.path, self.selected.tensors, self.selected.places, self.tokenizer, work / "model")

    def calibrate(self, text: str | None, options: dict[str, Any], work: Path) -> None:
        """Writes a moments file, or a note that says why there is none."""
        reason = reason_against_text(options)
        if text == NO_TEXT or (text is None and reason):
            return
        if reason:
            raise ValueError(f"compress: a calibration text {reason}")
        path = work / "moments.safetensors"
        path.unlink(missing_ok=True)
        file = None if text in (None, PACKAGE_TEXT) else Path(text or "")
        with _core.CompressSession(work / "model", "", **{**options, "dry_run": True, "moments": ""}) as session:
            fingerprint = session.model_fingerprint
        try:
            write_moments(self.source, self.selected, file, self.tokenizer, fingerprint, path)
        except NoCalibration as error:
            if text is not None:
                raise ValueError(f"{self.source.path}: calibration with '{text}': {error}") from error
            self.selected.notes.append(blind_note(str(error)))
        else:
            self.moments = path

    def encode(self, options: dict[str, Any], budget: int | None, work: Path, number: int = 0) -> dict[str, Any]:
        """The report of the core. `number` of the try: --resume continues the same one."""
        encoded = _encoded(work, number)
        resumes = options["if_exists"] == IfExists.resume
        try:
            report: dict[str, Any] = _core.compress(
                work / "model",
                "" if options["dry_run"] else encoded,
                progress=self.progress,
                **{
                    **options,
                    "if_exists": IfExists.resume if resumes else IfExists.refuse,
                    "budget": budget,
                    "moments": self.moments or "",
                },
            )
        except BudgetError as error:
            raise BudgetError(f"{self.source.path}: {self._room_text(options['budget'])}{error}") from error
        return report

    def budget(self, options: dict[str, Any], work: Path) -> int | None:
        """The bytes for the encodings. Raises BudgetError, with the smallest possible size, if there are none."""
        limit: int | None = options["budget"]
        if limit is None:
            return None
        others = self._bytes_of_others()
        if limit > others:
            return limit - others
        smallest = self._smallest(options, work)
        raise BudgetError(
            f"{self.source.path}: the budget is {limit} bytes, but the smallest possible file has about "
            f"{others + smallest}: what stays as it is and the decoders take {others}, the smallest encodings "
            f"{smallest}; select more matrices (--all selects all) or allow more bytes"
        )

    def _smallest(self, options: dict[str, Any], work: Path) -> int:
        """The bytes of the smallest encodings, as the core plans them if any error is allowed."""
        anything = {"budget": None, "max_error": LARGEST_ERROR, "moments": "", "dry_run": True}
        report = _core.compress(work / "model", "", **{**options, **anything})
        return int(report["totals"]["weights_bytes_after"])

    def _room_text(self, limit: int | None) -> str:
        if limit is None:
            return ""
        return f"what stays as it is and the decoders take about {self._bytes_of_others()} of {limit} bytes; "

    def fit(self, options: dict[str, Any], work: Path, names: DataFiles) -> tuple[dict[str, Any], Files]:
        """Encodes and writes; again with fewer bytes where the decoders take more than was thought."""
        limit = options["budget"]
        budget = self.budget(options, work)
        for number in range(TRIES):
            report = self.encode(options, budget, work, number)
            shutil.rmtree(work / "result", ignore_errors=True)
            proto, untouched = rewritten(self.source, self.selected, _encoded(work, number))
            files = write_files(proto, untouched, names, work / "result")
            if limit is None or budget is None or files.bytes <= limit:
                return report, files
            # With fewer bits the decoders have smaller tables too, so that a whole step may be too far.
            budget = max(budget - (files.bytes - limit) - limit // 1000, budget // 2)
        raise BudgetError(
            f"{self.source.path}: no encoding brings the file to {limit} bytes, the last has {files.bytes}"
        )

    def _bytes_of_others(self) -> int:
        selected = self.selected.bytes_in(self.source)
        return self.source.file_bytes - selected + decoder_bytes(len(self.selected.tensors))

    def finished(self, report: dict[str, Any], size: int | None) -> dict[str, Any]:
        """The report with sizes of the ONNX files; `size` is None after a dry run."""
        before, totals = self.source.file_bytes, report["totals"]
        after = self._bytes_of_others() + totals["weights_bytes_after"] if size is None else size
        for what in ("weights", "folder"):
            totals[f"{what}_bytes_before"], totals[f"{what}_bytes_after"] = before, after
        return {**report, "notes": [*self.selected.notes, *report["notes"]]}


def _encoded(work: Path, number: int) -> Path:
    return work / f"encoded-{number}"
