# SPDX-License-Identifier: Apache-2.0
"""`loewner plot`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from loewner.commands.common import replace_file, report
from loewner.commands.gathering import add_options, gathered
from loewner.reporting.figures import files_of
from loewner.reporting.image import png, svg

FORMATS = {"svg": svg, "png": png}


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="loewner plot", description="Write the charts of `loewner report` as files, one each."
    )
    add_options(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the files; made if it is missing")
    parser.add_argument("--format", choices=FORMATS, default="svg", help="png needs the extra `plot` (default svg)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = _arguments(arguments)
    found = gathered(options, [])
    images = {f"{key}.{options.format}": FORMATS[options.format](drawing) for key, drawing in files_of(found).items()}
    options.output.mkdir(exist_ok=True)
    for name, data in images.items():
        replace_file(options.output / name, data)
    report(options, found.to_dict(), "\n".join(str(options.output / name) for name in images))
