# SPDX-License-Identifier: Apache-2.0
"""How the commands of the Python package end, and how they report.

Their options are declared in apps/loewner/commands/ and arrive as attributes: `--max-length` as `max_length`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loewner._core import BudgetError
from loewner._files import replace_file as replace_file

Options = SimpleNamespace

USAGE, BAD_INPUT, BUDGET, NOT_VERIFIED, INTERRUPTED = 2, 3, 4, 5, 130  # exit codes of docs/command-line.md


class NotVerified(Exception):
    """A check of `loewner verify` failed."""


def report(options: Options, data: Any, table: str) -> None:
    """Writes --json, and prints the table unless --quiet."""
    if options.json:
        replace_file(Path(options.json), (json.dumps(data, indent=2) + "\n").encode())
    if not options.quiet:
        print_text(table)


def progress_line(options: Options) -> Callable[[str, float], None] | None:
    """A function that shows the current step in one line of a terminal; a share of 1 clears the line.

    None with --quiet, or if stderr is not a terminal.
    """
    if options.quiet or not sys.stderr.isatty():
        return None

    def show(what: str, share: float) -> None:
        text = f"{share:4.0%} {what}" if share < 1 else ""
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return show


def run(command: Callable[[Options], None], options: Options) -> int:
    """Runs a command and returns its exit code; a failure is one line on stderr."""
    try:
        command(options)
    except KeyboardInterrupt:
        print("loewner: cancelled", file=sys.stderr)
        return INTERRUPTED
    except NotVerified as error:
        return _failed(error, NOT_VERIFIED)
    except BudgetError as error:
        return _failed(error, BUDGET)
    except (OSError, UnicodeDecodeError, RuntimeError) as error:  # RuntimeError: weights that do not fit their model
        return _failed(error, BAD_INPUT)
    except (ValueError, ImportError) as error:
        return _failed(error, USAGE)
    return 0


def print_text(text: str) -> None:
    """Writes text to standard output; OSError if that fails."""
    if sys.stdout is None:
        raise OSError("standard output: cannot be written")
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes once more when it ends
        raise OSError(f"standard output: cannot be written: {error.strerror}") from error


def _failed(error: Exception, code: int) -> int:
    print("loewner:", " ".join(str(error).split()), file=sys.stderr)
    return code
