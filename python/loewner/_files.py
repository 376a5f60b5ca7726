# SPDX-License-Identifier: Apache-2.0
"""Files that a user named: JSON is read with errors that name the file, and files are replaced in one step."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from loewner._core import IoError


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises IoError if it has none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IoError(f"{path}: is no JSON file: {error}") from error


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises IoError if it has none."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise IoError(f"{path}: expected a JSON object")
    return found


def replace_file(path: Path, data: bytes) -> None:
    """Replaces a regular file in one step: after a failure it is as it was before.

    A symbolic link stays, and the file that it names is replaced. Data for anything else, such as a pipe, are written
    into it. An error names the file.
    """
    try:
        _replace(path, data)
    except OSError as error:  # of a write, which names no file, or of a step on the partial file
        error.filename, error.filename2 = str(path), None
        raise


def _replace(path: Path, data: bytes) -> None:
    of_system = str(path).startswith(("/dev/", "/proc/"))  # /dev/stdout may lead to a regular file
    if of_system or (path.exists() and not path.is_file()):
        with path.open("ab", buffering=0) as file:
            file.write(data)
        return
    path = Path(os.path.realpath(path))
    partial = path.with_name(f".loewner-{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            partial.chmod(path.stat().st_mode & 0o777)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def move_file(source: Path, target: Path) -> None:
    """Renames a file, or copies it to another file system, where it appears in one step."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = target.with_name(f".loewner-{secrets.token_hex(8)}.partial")
        try:
            shutil.copyfile(source, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        source.unlink()
