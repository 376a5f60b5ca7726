# SPDX-License-Identifier: Apache-2.0
"""The console script `loewner`.

The C++ core parses the arguments of all commands. It runs its own ones and returns the others, which run models or
draw, with their options: command NAME is `main` of loewner/commands/NAME.py.
"""

from __future__ import annotations

import importlib
import signal
import sys
from types import SimpleNamespace
from typing import Any

from loewner._core import run_command_line


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # like Ctrl-C: no unfinished files are left
    return run_command_line(sys.argv[1:], _run_in_python)


def _run_in_python(name: str, options: dict[str, Any]) -> int:
    from loewner.commands import common

    return common.run(importlib.import_module(f"loewner.commands.{name}").main, SimpleNamespace(**options))
