# SPDX-License-Identifier: Apache-2.0
"""`loewner report`"""

from __future__ import annotations

from pathlib import Path

from loewner.commands.common import Options, replace_file, report
from loewner.commands.gathering import gathered
from loewner.reporting.page import page


def main(options: Options) -> None:
    found = gathered(options, [Path(name) for name in options.eval])
    text = page(found)
    replace_file(Path(options.output), text.encode())
    report(options, found.to_dict(), f"{options.output}: {len(found.tensors)} tensors, {len(text.encode())} bytes")
