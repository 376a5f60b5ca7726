# SPDX-License-Identifier: Apache-2.0
"""`loewner report`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from loewner.commands.common import replace_file, report
from loewner.commands.gathering import add_options, gathered
from loewner.reporting.page import page


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="loewner report",
        description="Write one HTML page about an output: sizes, tensors, spectra, errors, certificates.",
    )
    add_options(parser)
    parser.add_argument(
        "--eval", type=Path, action="append", default=[], help="file of `loewner eval --json`; may be repeated"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="HTML file to be written")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = _arguments(arguments)
    found = gathered(options, options.eval)
    text = page(found)
    replace_file(options.output, text.encode())
    report(options, found.to_dict(), f"{options.output}: {len(found.tensors)} tensors, {len(text.encode())} bytes")
