# SPDX-License-Identifier: Apache-2.0
"""An output at a URL: it is made in a folder of this machine and then put there."""

from __future__ import annotations

import contextlib
import json
import shutil

from loewner._core import IfExists, IoError
from loewner._urls.cache import place_of
from loewner._urls.remote_folder import RemoteFolder
from loewner._urls.remote_stage import RemoteStage

_CONFIG = "config.json"  # loading needs it, so an output without it is not complete
_MARK = "unfinished.json"


class RemoteOutput:
    """The output of one run.

    A mark in OUT.partial says that a run has begun the output. config.json is put last, and first removed where it is
    replaced. Nothing locks a URL: two runs at the same time write over each other.
    """

    def __init__(self, url: str, if_exists: IfExists) -> None:
        self._target = RemoteFolder(url)
        self._url, self._if_exists = self._target.url, if_exists
        self.path = place_of(url, "outputs")
        self.stage = RemoteStage(url, self.path)
        self._is_complete = False

    def begin(self) -> None:
        """Refuses what is at the URL, or prepares to resume or to overwrite it."""
        files, left = self._target.files(), self.stage.folder.files()
        is_unfinished = bool(left)
        resumes = self._if_exists == IfExists.resume
        if is_unfinished and self._if_exists == IfExists.refuse:
            raise IoError(
                f"{self.stage.folder.url}: holds an unfinished output; resume it (--resume) or overwrite it "
                "(--overwrite)"
            )
        if is_unfinished and _MARK not in left:
            raise IoError(f"{self.stage.folder.url}: must be free for the unfinished output, but other files are there")
        if not (is_unfinished and resumes):
            self._remove_local()
        if files and not is_unfinished:
            self._require_replaceable(_CONFIG in files)
        if self._if_exists == IfExists.overwrite:
            self.stage.remove()
        if _CONFIG in files and resumes and not is_unfinished:
            self._is_complete = True  # or of other work, which the run then refuses
            for name, file in files.items():
                self._target.fetch(name, file, self.path / name)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.stage.folder.write(_MARK, json.dumps({"output": self._url}).encode())
        if resumes:
            self.stage.pull()

    def publish(self) -> None:
        if not self._is_complete:
            self._put_files()
        self._remove_local()

    def give_up(self, keeps_parts: bool) -> None:
        """After a failure: the mark stays as long as there is something to resume, here or at the URL."""
        if self._is_complete:
            self._remove_local()
        elif not any(self.path.parent.iterdir()):
            if keeps_parts and any(name != _MARK for name in self.stage.folder.files()):
                return
            self._remove_local()
            self.stage.remove()

    def _put_files(self) -> None:
        files = {path.relative_to(self.path).as_posix(): path for path in self.path.rglob("*") if path.is_file()}
        old = self._target.files()
        if _CONFIG in old:
            self._target.remove(_CONFIG)
        config = files.pop(_CONFIG)
        for name, path in sorted(files.items()):
            self._target.put(path, name)
        for name in old:
            if name not in files and name != _CONFIG:
                self._target.remove(name)
        self._target.put(config, _CONFIG)
        self.stage.remove()

    def _require_replaceable(self, has_config: bool) -> None:
        obstacle = "it has no config.json of an output"
        if has_config:
            obstacle = "" if _is_output(self._target.read(_CONFIG)) else "its config.json is that of another model"
        if self._if_exists == IfExists.refuse:
            remedy = f"; {obstacle}" if obstacle else " or overwrite it (--overwrite)"
            raise IoError(f"{self._url}: already exists; choose another output{remedy}")
        if obstacle:
            raise IoError(f"{self._url}: only an output of loewner is resumed or replaced, but {obstacle}")

    def _remove_local(self) -> None:
        shutil.rmtree(self.path.parent, ignore_errors=True)


def _is_output(config: bytes) -> bool:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return bool(json.loads(config)["quantization_config"]["quant_method"] == "loewner")
    return False
