# SPDX-License-Identifier: Apache-2.0
"""The console script `loewner`: the same command line as the C++ executable."""

import signal
import sys

from loewner._core import run_command_line


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half-made stays behind
    return run_command_line(sys.argv[1:])
