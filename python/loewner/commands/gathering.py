# SPDX-License-Identifier: Apache-2.0
"""The data of `loewner report` and `loewner plot`: an output, and perhaps its original."""

from __future__ import annotations

from pathlib import Path

import loewner
from loewner.commands.common import Options, progress_line
from loewner.onnx import is_onnx_model
from loewner.reporting.data import Report
from loewner.reporting.gather import gather


def gathered(options: Options, evaluations: list[Path]) -> Report:
    for model in (options.out, options.against):
        if model is not None and is_onnx_model(model):
            raise ValueError(f"{model}: is an ONNX model; `report` and `plot` read folders, `verify` and `eval` both")
    if options.threads:
        loewner.set_num_threads(options.threads)
    progress = progress_line(options)
    try:
        return gather(
            Path(options.out),
            None if options.against is None else Path(options.against),
            evaluations=evaluations,
            pattern=options.tensor,
            row_weights=Path(options.row_weights) if options.row_weights else None,
            progress=progress,
        )
    finally:
        if progress:
            progress("", 1.0)
