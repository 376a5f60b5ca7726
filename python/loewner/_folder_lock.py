# SPDX-License-Identifier: Apache-2.0
"""The lock on an unfinished output. The C++ core takes the same one (src/base/folder_lock.cpp)."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path

LOCK_FILE = "lock"


class FolderLock:
    """A lock on a file in a folder, which ends with the process that holds it."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self._folder, self._descriptor = folder, descriptor

    @classmethod
    def try_acquire(cls, folder: Path) -> FolderLock | None:
        """Makes the folder if it is missing, and locks it. None if another process holds the lock."""
        while True:
            folder.mkdir(mode=0o700, exist_ok=True)
            try:
                lock = cls(folder, os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            except FileNotFoundError:
                if folder.is_symlink():
                    raise
                continue  # the folder was removed since mkdir
            except OSError:
                with suppress(OSError):  # fails unless the folder is empty
                    folder.rmdir()
                raise
            if not _lock(lock._descriptor):
                lock._close()
                return None
            if lock.holds():
                lock._write_holder()
                return lock
            lock._close()  # the run that had the lock has removed the file between open and flock

    def holds(self) -> bool:
        """Whether the file of the lock is still in its place. It is not if somebody moved the folder away."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.lstat(self._folder / LOCK_FILE))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Removes the file, and the folder if nothing else is in it."""
        if self.holds():
            with suppress(OSError):
                (self._folder / LOCK_FILE).unlink()
                self._folder.rmdir()
        self._close()

    def _close(self) -> None:
        os.close(self._descriptor)

    def _write_holder(self) -> None:
        """For the message of a run that is refused. A failure to write it does no harm."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def holder_of(folder: Path) -> str:
    """The process that wrote itself into the lock; empty if none can be read."""
    try:
        return (folder / LOCK_FILE).read_text(encoding="utf-8", errors="replace")[:1024]
    except OSError:
        return ""


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # the file system has no locks
        return True
    return True
