# SPDX-License-Identifier: Apache-2.0
"""Processes that Ctrl-C reaches."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def interruptible(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Runs a command that takes SIGINT even where the tests themselves run with it ignored, as shells start jobs in the
    background; killed if it still runs when the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_listen)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
