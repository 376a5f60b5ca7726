# SPDX-License-Identifier: Apache-2.0
"""OUT.partial, in which an output is made before it appears complete.

The rules, the names and the lock are those of the C++ core (src/compress/staged_folder.cpp): each of both recognizes
what the other one left, and neither deletes what somebody else wrote.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from loewner._core import IfExists, IoError
from loewner._files import read_object, replace_file
from loewner._folder_lock import LOCK_FILE, FolderLock, holder_of

STATE, REPLACED, FOLDER, UNFINISHED = "state.json", "replaced", "folder", "unfinished"
_NAMES = (LOCK_FILE, STATE, f"{STATE}.partial", REPLACED, "parts", "claims", FOLDER, UNFINISHED)
_WORK = {LOCK_FILE, STATE, UNFINISHED}  # what --resume needs
_STARTS = (f"{FOLDER}-", f"{UNFINISHED}-", ".loewner-")


def target_of(output: Path) -> Path:
    """The absolute path of an output. A symbolic link stands for what it names."""
    target = Path(os.path.realpath(output))
    if target.is_symlink():
        raise IoError(f"{output}: too many symbolic links")
    return target


def stage_of(output: str | os.PathLike[str]) -> Path:
    """OUT.partial of an output."""
    return Path(os.path.realpath(output) + ".partial")


def require_apart(model: Path, target: Path) -> None:
    """Raises ValueError if one of both folders contains the other."""
    source = model.resolve()
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise ValueError(
            f"{target}: the output must not be the model folder, contain it or lie in it; the model folder is {model}"
        )


class OutputStage:
    """The stage of one output, which the run holds alone from `with` on.

    folder: becomes the output. unfinished: what an interrupted run leaves for --resume, if the command has it. work:
    the command, which continues only its own unfinished outputs. obstacle: why a path may not be replaced, or "".
    """

    def __init__(
        self,
        target: Path,
        if_exists: IfExists,
        obstacle: Callable[[Path], str],
        *,
        work: str,
        can_resume: bool = False,
        is_file: bool = False,
    ) -> None:
        self.path = target.with_name(f"{target.name}.partial")
        # Random digits: a run whose stage was taken away cannot write into the stage of the next one.
        self.folder = self.path / f"{FOLDER}-{secrets.token_hex(8)}"
        self.unfinished = self.path / UNFINISHED
        self._target, self._if_exists, self._obstacle = target, if_exists, obstacle
        self._work, self._can_resume, self._is_file = work, can_resume, is_file
        self._resumes = False

    def __enter__(self) -> OutputStage:
        if not self._target.parent.is_dir():
            raise IoError(f"{self._target.parent}: the output's parent folder does not exist")
        _require_stage_of_loewner(self.path)
        if not self.path.exists():
            self._require_free_target()
        self._lock = self._locked()
        try:
            self._restore_replaced()
            self._require_free_target()
            self._require_free_stage()
        except BaseException:
            self._lock.release()
            raise
        try:
            self._prepare()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keeps the unfinished output if the run was interrupted, and if an earlier run had begun it."""
        interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        keeps = kind is not None and self._can_resume and (interrupted or self._resumes)
        try:
            if self._lock.holds():  # else another run may have made what is there
                self._restore_replaced()
                _remove_all_but(_WORK if keeps else {LOCK_FILE}, self.path)
        finally:
            self._lock.release()

    def publish_folder(self) -> None:
        """Puts `folder` in the place of the output. If this fails, the old output returns at the end of `with`."""
        self._require_publishable()
        _sync(self.folder)
        if self._target.exists():
            self._target.rename(self.path / REPLACED)
        self.folder.rename(self._target)
        _sync_one(self._target.parent)

    def publish_file(self, file: Path, data: dict[str, Path]) -> None:
        """Puts a file in the place of the output, after its data files, named relative to the output's folder.

        The old files are set aside where data would be replaced: an old file must not meet new data.
        """
        self._require_publishable()
        for path in (file, *data.values()):
            _sync_one(path)
        parent = self._target.parent
        old = [name for name in data if (parent / name).exists()]
        if old and self._target.exists():
            _move([self._target.name, *old], parent, self.path / REPLACED)
        for name, path in data.items():
            (parent / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(parent / name)
        file.replace(self._target)
        _sync_one(parent)

    def require_own(self) -> None:
        """Raises IoError if the stage is no longer that of this run."""
        if not self._lock.holds():
            raise IoError(f"{self.path}: was removed or replaced during the run; {self._target} is not written")

    def _locked(self) -> FolderLock:
        lock = FolderLock.try_acquire(self.path)
        if lock is not None:
            return lock
        holder = holder_of(self.path)
        raise IoError(
            f"{self._target}: another run{f' ({holder})' if holder else ''} is writing this output; "
            "wait for its end or choose another output"
        )

    def _require_publishable(self) -> None:
        self.require_own()
        self._require_free_target()  # a target that was created during the run belongs to another process

    def _require_free_target(self) -> None:
        if not self._target.exists():
            return
        obstacle = self._obstacle(self._target)
        if self._if_exists != IfExists.overwrite:
            remedy = f"; {obstacle}" if obstacle else " or overwrite it (--overwrite)"
            raise IoError(f"{self._target}: already exists; choose another output{remedy}")
        if obstacle:
            raise IoError(f"{self._target}: overwriting replaces only an output of loewner, but {obstacle}")

    def _restore_replaced(self) -> None:
        """A run that was killed while it published has left the old output in the stage."""
        replaced = self.path / REPLACED
        if self._target.exists() or not replaced.is_dir():
            return
        if self._is_file and (replaced / self._target.name).is_file():
            data = [str(path.relative_to(replaced)) for path in sorted(replaced.rglob("*")) if path.is_file()]
            data.remove(self._target.name)
            _move([*data, self._target.name], replaced, self._target.parent)  # it is complete when the target is back
        else:
            replaced.rename(self._target)

    def _require_free_stage(self) -> None:
        wants_work = self._can_resume and self._if_exists == IfExists.resume
        if set(os.listdir(self.path)) != {LOCK_FILE} and not wants_work and self._if_exists != IfExists.overwrite:
            remedies = "resume it (--resume) or overwrite it" if self._can_resume else "overwrite it"
            raise IoError(f"{self.path}: holds an unfinished output; {remedies} (--overwrite)")
        self._resumes = wants_work and (self.path / STATE).exists()
        if self._resumes:
            self._require_same_work()

    def _prepare(self) -> None:
        _remove_all_but(_WORK if self._resumes else {LOCK_FILE}, self.path)
        if not self._resumes:
            replace_file(self.path / STATE, json.dumps({"fingerprint": self._work}).encode())
        self.unfinished.mkdir(exist_ok=True)
        self.folder.mkdir()

    def _require_same_work(self) -> None:
        if read_object(self.path / STATE).get("fingerprint") != self._work:
            raise IoError(
                f"{self.path}: was started from another model or with other options; "
                "overwrite it (--overwrite) or remove it"
            )


def _require_stage_of_loewner(stage: Path) -> None:
    """The stage must be a folder that a run left, or absent."""
    if not os.path.lexists(stage):
        return
    if stage.is_symlink() or not stage.is_dir():
        raise IoError(f"{stage}: must be free for the unfinished output, but something else is there")
    for name in sorted(path.name for path in _entries(stage)):
        if name not in _NAMES and not name.startswith(_STARTS):
            raise IoError(
                f"{stage}: must be free for the unfinished output, but it holds '{name}', which loewner did not write"
            )


def _remove_all_but(kept: set[str], folder: Path) -> None:
    for path in _entries(folder):
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _entries(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):  # another run may be removing the folder
        return list(folder.iterdir())
    return []


def _move(names: Iterable[str], old: Path, new: Path) -> None:
    for name in names:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).replace(new / name)


def _sync(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync_one(path)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
