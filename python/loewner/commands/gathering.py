# SPDX-License-Identifier: Apache-2.0
"""What `loewner report` and `loewner plot` have in common: an output, and perhaps its original."""

from __future__ import annotations

import argparse
from pathlib import Path

import loewner
from loewner.commands.common import add_common_options, progress_line
from loewner.reporting.data import Report
from loewner.reporting.gather import gather


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("OUT", type=Path, help="folder that compress made")
    parser.add_argument("--against", type=Path, metavar="MODEL", help="the original model folder")
    parser.add_argument("--tensor", default="", metavar="REGEX", help="hold only these against it (default: all)")
    add_common_options(parser)


def gathered(options: argparse.Namespace, evaluations: list[Path]) -> Report:
    if options.threads:
        loewner.set_num_threads(options.threads)
    progress = progress_line(options)
    try:
        return gather(options.OUT, options.against, evaluations=evaluations, pattern=options.tensor, progress=progress)
    finally:
        if progress:
            progress("", 1.0)
