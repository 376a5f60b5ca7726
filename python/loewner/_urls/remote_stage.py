# SPDX-License-Identifier: Apache-2.0
"""The parts of an unfinished output at a URL, through which machines without a shared file system exchange them."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from loewner._output_stage import STATE, UNFINISHED, stage_of
from loewner._urls.cache import cache_folder
from loewner._urls.remote_folder import RemoteFolder, name_in

_PARTS, _RECORD = "parts", "record.json"  # a part's record comes last, so a part with one is complete
_SURVEYS = "surveys"


class RemoteStage:
    """OUT.partial at the URL of an output, and beside it OUT.partial on this machine."""

    def __init__(self, url: str, output: Path) -> None:
        self.folder = RemoteFolder(url.rstrip("/") + ".partial")
        self._local = stage_of(output)

    def pull(self, wanted: Callable[[str], bool] = lambda name: True) -> set[str]:
        """Fetches the state and all wanted parts that this machine lacks. Returns the names of the parts at the URL."""
        files = self.folder.files()
        parts = {name.split("/")[1] for name in files if name.startswith(f"{_PARTS}/") and name.endswith(f"/{_RECORD}")}
        if STATE in files and not (self._local / STATE).exists():
            self.folder.fetch(STATE, files[STATE], self._local / STATE)
        for part in filter(wanted, parts):
            target = self._local / _PARTS / part
            if target.exists():
                continue
            unfinished = self._local / f"{UNFINISHED}-{secrets.token_hex(8)}"
            for name in [name for name in files if name.startswith(f"{_PARTS}/{part}/")]:
                self.folder.fetch(name, files[name], unfinished / name.split("/")[2])
            target.parent.mkdir(exist_ok=True)
            unfinished.rename(target)
        return parts

    def push(self, known: set[str]) -> None:
        """Puts the state and all parts that are not `known` at the URL."""
        if not (self._local / STATE).exists():
            return
        if STATE not in self.folder.files():
            self.folder.put(self._local / STATE, STATE)
        for part in sorted((self._local / _PARTS).glob("*")):
            if part.name in known or not (part / _RECORD).exists():
                continue
            for path in sorted(part.iterdir(), key=lambda path: path.name == _RECORD):
                self.folder.put(path, f"{_PARTS}/{part.name}/{path.name}")

    def remove(self) -> None:
        for name in self.folder.files():
            self.folder.remove(name)


@contextlib.contextmanager
def output_of_task(url: str, tensors: Sequence[int]) -> Iterator[Path]:
    """A local output for a task: the plan and the parts of its tensors are fetched, and what it makes is put back.

    An interrupted task puts back what it has finished.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="task-", dir=cache_folder()) as folder:
        output = Path(folder) / name_in(url)
        stage = RemoteStage(url, output)
        own = {start + str(i) for i in tensors for start in ("", "survey-", "left-alone-")}
        known = stage.pull(lambda name: name == _SURVEYS or name in own)
        try:
            yield output
        finally:
            stage.push(known)
