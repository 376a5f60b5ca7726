# SPDX-License-Identifier: Apache-2.0
"""Folders of object stores and of all other file systems that fsspec knows."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from loewner._core import IoError

_NEEDS_FSSPEC = "URLs need fsspec: pip install 'loewner[fsspec]'"
# What tells versions of a file apart: in S3, on the Hugging Face Hub and in Google Cloud, on disks, and in memory.
_VERSIONS = ("ETag", "blob_id", "etag", "mtime", "LastModified", "last_modified", "created")


def is_url(path: object) -> bool:
    return "://" in str(path)


def name_in(url: str) -> str:
    """The last part of a URL, which is the name of the folder."""
    return PurePosixPath(url.rpartition("://")[2]).name


@dataclass(frozen=True)
class RemoteFile:
    size: int
    version: str


class RemoteFolder:
    """A folder at a URL. Every failure is an IoError that names it; fsspec and its backends raise anything."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            import fsspec
        except ImportError as error:
            raise ImportError(f"{url}: {_NEEDS_FSSPEC}") from error
        options = {"auto_mkdir": True} if self.url.startswith(("file://", "local://")) else {}
        try:
            found = fsspec.core.url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:  # a package or a protocol that is not there
            raise type(error)(f"{url}: {error}") from error
        self._system: Any = found[0]
        self._root: str = found[1]

    def files(self) -> dict[str, RemoteFile]:
        """All files by their path in the folder; none if the folder does not exist."""
        with self._reported(""):
            self._system.invalidate_cache()
            found = self._system.find(self._root, detail=True)
        files = {}
        for path, facts in found.items():
            name = path.removeprefix(self._root).lstrip("/")
            if ".." in PurePosixPath(name).parts:
                raise IoError(f"{self.url}: '{name}' leaves the folder")
            if name:
                files[name] = _file_of(facts)
        return files

    def file(self) -> RemoteFile:
        """The file that is at the URL itself, under the name ""."""
        with self._reported(""):
            return _file_of(self._system.info(self._root))

    def fetch(self, name: str, file: RemoteFile, target: Path) -> None:
        """Reads a file; `target` appears when all bytes are there."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".loewner-{secrets.token_hex(8)}.partial")
        try:
            with self._reported(name):
                self._system.get_file(self._path(name), str(partial))
            if (size := partial.stat().st_size) != file.size:
                raise IoError(f"{self.url}/{name}".rstrip("/") + f": has {file.size} bytes, read {size}")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        with self._reported(name):
            data: bytes = self._system.cat_file(self._path(name))
            return data

    def put(self, path: Path, name: str) -> None:
        with self._reported(name):
            self._system.put_file(str(path), self._path(name))

    def write(self, name: str, data: bytes) -> None:
        with self._reported(name):
            self._system.pipe_file(self._path(name), data)

    def remove(self, name: str) -> None:
        with self._reported(name):
            self._system.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if name else self._root

    @contextlib.contextmanager
    def _reported(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            place = f"{self.url}/{name}" if name else self.url
            raise IoError(f"{place}: {type(error).__name__}: {' '.join(str(error).split())}") from error


def _file_of(facts: dict[str, Any]) -> RemoteFile:
    return RemoteFile(facts["size"], str(next((facts[name] for name in _VERSIONS if name in facts), "")))
