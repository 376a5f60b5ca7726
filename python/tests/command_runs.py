# SPDX-License-Identifier: Apache-2.0
"""Commands, and the models that `loewner eval` runs, in the process of the tests.

That spares the seconds which a new process takes to import torch.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from loewner._command_line import _run_in_python
from loewner._core import run_command_line
from loewner.evaluation import comparison, retrieval

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def commands_here(capfd: pytest.CaptureFixture[str]) -> Command:
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        capfd.readouterr()
        line = [str(word) for word in words]
        code = run_command_line(line, _run_in_python)
        sys.stdout.flush()
        sys.stderr.flush()
        said = capfd.readouterr()
        return subprocess.CompletedProcess(line, code, said.out, said.err)

    return run


@contextmanager
def models_here() -> Iterator[None]:
    """Evaluated models run in this process instead of one of their own."""

    def direct(function: Callable[..., Any], _progress: object, *arguments: Any) -> Any:
        return function(lambda _share: None, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        for module in (comparison, retrieval):
            patch.setattr(module, "in_own_process", direct)
        yield
