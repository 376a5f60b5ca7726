# SPDX-License-Identifier: Apache-2.0
"""The console script `loewner`: the command line of the C++ executable, and the commands that run models or draw."""

import importlib
import signal
import sys

from loewner._core import run_command_line

PYTHON_COMMANDS = ("calibrate", "eval", "plot", "refit", "report")


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half-made stays behind
    name, *arguments = sys.argv[1:] or [""]
    if name not in PYTHON_COMMANDS:
        return run_command_line(sys.argv[1:])
    from loewner.commands import common

    return common.run(importlib.import_module(f"loewner.commands.{name}").main, arguments)
