# SPDX-License-Identifier: Apache-2.0
"""The folder of this machine in which copies of remote files and unfinished outputs lie."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from loewner._core import IoError
from loewner._files import read_object, replace_file
from loewner._folder_lock import FolderLock
from loewner._urls.remote_folder import RemoteFile, RemoteFolder, name_in

_RECORD = "fetched.json"


def cache_folder() -> Path:
    return Path(os.environ.get("LOEWNER_CACHE") or Path.home() / ".cache" / "loewner")


def place_of(url: str, kind: str) -> Path:
    """A folder of the cache for a URL. What lies in it has the name that the URL ends in, which outputs state."""
    key = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
    return cache_folder() / kind / key / name_in(url)


def fetched_model(url: str, show: Callable[[str], None] = lambda name: None) -> Path:
    """A local copy of a model. Files of the size and version that an earlier copy has are not read again.

    show: is given the name of each file that is read.
    """
    remote = RemoteFolder(url)
    files = remote.files()
    if not files:
        raise IoError(f"{url}: no files are there")
    folder = place_of(url, "models")
    with _locked(folder.parent):
        _fetch_changed(remote, files, folder, show)
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()
    return folder


def fetched_file(url: str) -> Path:
    """A local copy of one file."""
    remote = RemoteFolder(url)
    path = place_of(url, "files")
    with _locked(path.parent):
        _fetch_changed(remote, {"": remote.file()}, path, lambda name: None)
    return path


def _fetch_changed(
    remote: RemoteFolder, files: dict[str, RemoteFile], place: Path, show: Callable[[str], None]
) -> None:
    record = place.parent / _RECORD
    known = read_object(record) if record.exists() else {}
    for name, file in files.items():
        state, path = [file.size, file.version], place / name
        if known.get(name) == state and path.is_file() and path.stat().st_size == file.size:
            continue
        show(name)
        remote.fetch(name, file, path)
        known[name] = state
        replace_file(record, json.dumps(known).encode())


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Waits while another process on this machine copies the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    while (lock := FolderLock.try_acquire(folder)) is None:
        time.sleep(0.1)
    try:
        yield
    finally:
        lock.release()
