# SPDX-License-Identifier: Apache-2.0
"""The console script `loewner`: the command line of the C++ executable, and `refit`."""

import signal
import sys

from loewner._core import run_command_line


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half-made stays behind
    if sys.argv[1:2] == ["refit"]:
        from loewner import _refit_command

        return _refit_command.main(sys.argv[2:])
    return run_command_line(sys.argv[1:])
