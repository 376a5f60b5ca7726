# SPDX-License-Identifier: Apache-2.0
"""The console script `loewner`.

The C++ core parses the arguments of all commands. It runs its own ones and returns the others, which run models or
draw, with their options: command NAME is `main` of loewner/commands/NAME.py.
"""

from __future__ import annotations

import importlib
import io
import os
import signal
import sys
from types import FrameType, SimpleNamespace
from typing import Any

from loewner._core import run_command_line

INTERRUPTED = 130  # exit code of docs/command-line.md
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    _occupy_standard_descriptors()
    if isinstance(sys.stdout, io.TextIOWrapper):  # None if standard output is closed
        sys.stdout.reconfigure(errors="surrogateescape")  # file names need not be UTF-8
    stop = _StopOnce()
    try:
        for number in SIGNALS:
            signal.signal(number, stop)
        code = run_command_line(sys.argv[1:], _run_in_python)
        stop.enabled = False
    except KeyboardInterrupt:
        print("loewner: cancelled", file=sys.stderr)
        code = INTERRUPTED
    # While Python ends, it restores the default action of its own handlers, but not of ignored signals.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return code


class _StopOnce:
    """A signal handler that raises KeyboardInterrupt for the first signal only, so that none interrupts the clean-up.

    SIGTERM is handled like Ctrl-C: no unfinished files are left.
    """

    def __init__(self) -> None:
        self.enabled = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.enabled:
            self.enabled = False
            raise KeyboardInterrupt


def _occupy_standard_descriptors() -> None:
    """Open standard descriptors that are closed, so that no file of a command gets their number.

    Writing to them still fails.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets the lowest free number


def _run_in_python(name: str, options: dict[str, Any]) -> int:
    from loewner.commands import common

    return common.run(importlib.import_module(f"loewner.commands.{name}").main, SimpleNamespace(**options))
