# SPDX-License-Identifier: Apache-2.0
"""What every command takes, and how it ends."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

USAGE, BAD_INPUT, INTERRUPTED = 2, 3, 130  # exit codes of docs/command-line.md


def add_common_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, help="write the report as JSON to this file")
    parser.add_argument("--quiet", action="store_true", help="no table and no progress")
    parser.add_argument("--threads", type=int, help="number of threads")


def report(options: argparse.Namespace, data: Any, table: str) -> None:
    if options.json:
        replace_file(options.json, (json.dumps(data, indent=2) + "\n").encode())
    if not options.quiet:
        print(table)


def replace_file(path: Path, data: bytes) -> None:
    """The file is there whole or as it was before."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def progress_line(options: argparse.Namespace) -> Callable[[str, float], None] | None:
    """Shows what is worked on, in one line and only where somebody watches; a share of 1 clears it."""
    if options.quiet or not sys.stderr.isatty():
        return None

    def show(what: str, share: float) -> None:
        text = f"{share:4.0%} {what}" if share < 1 else ""
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return show


def run(command: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Runs a command; a failure is one line on stderr."""
    try:
        command(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (OSError, UnicodeDecodeError, RuntimeError) as error:  # the last: weights that do not fit their model
        return _failed(error, BAD_INPUT)
    except (ValueError, ImportError) as error:
        return _failed(error, USAGE)
    return 0


def _failed(error: Exception, code: int) -> int:
    print("loewner:", " ".join(str(error).split()), file=sys.stderr)
    return code
