# SPDX-License-Identifier: Apache-2.0
"""`loewner compress` with a calibration text, of ONNX files and URLs, and on a Ray cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._choices import choice
from loewner._compression import compress_anywhere
from loewner.commands.common import Options, print_text, progress_line, replace_file
from loewner.commands.tables import report_table
from loewner.onnx import is_onnx_model


def main(options: Options) -> None:
    given: dict[str, Any] = dict(vars(options))
    path, is_quiet, threads = given.pop("json"), given.pop("quiet"), given.pop("threads")
    for name, kind in (
        ("selection", _core.Selection),
        ("method", _core.Method),
        ("factor_format", _core.NumberFormat),
        ("if_exists", _core.IfExists),
    ):
        given[name] = choice(kind, given[name], name)
    if threads is not None:
        _core.set_num_threads(threads)

    def show(finished: _core.CompressSession | str) -> None:
        table = finished if isinstance(finished, str) else finished.table
        if not is_quiet:
            print_text(table.removesuffix("\n"))

    line = progress_line(options)
    model, output, text, ray = (given.pop(name) for name in ("model", "output", "text", "ray"))
    report = compress_anywhere(model, output, text, ray=ray, threads=threads, progress=line, on_finish=show, **given)
    if is_onnx_model(model) and not is_quiet:
        print_text(report_table(report, given["dry_run"]))
    if path:
        write_report(Path(path), report)


def write_report(path: Path, report: dict[str, Any]) -> None:
    try:
        replace_file(path, (json.dumps(report, indent=2) + "\n").encode())
    except OSError as error:
        raise _core.IoError(f"{path}: cannot be written: {error.strerror}") from error
