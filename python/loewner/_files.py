# SPDX-License-Identifier: Apache-2.0
"""Files that a user named, replaced in one step."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Replaces a regular file in one step: after a failure it is as it was before.

    A symbolic link stays, and the file that it names is replaced. Data for anything else, such as a pipe, are written
    into it.
    """
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
