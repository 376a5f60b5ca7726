# SPDX-License-Identifier: Apache-2.0
"""`loewner plot`"""

from __future__ import annotations

from pathlib import Path

from loewner.commands.common import Options, replace_file, report
from loewner.commands.gathering import gathered
from loewner.reporting.figures import files_of
from loewner.reporting.image import png, svg

FORMATS = {"svg": svg, "png": png}


def main(options: Options) -> None:
    found = gathered(options, [])
    images = {f"{key}.{options.format}": FORMATS[options.format](drawing) for key, drawing in files_of(found).items()}
    folder = Path(options.output)
    folder.mkdir(exist_ok=True)
    for name, data in images.items():
        replace_file(folder / name, data)
    report(options, found.to_dict(), "\n".join(str(folder / name) for name in images))
