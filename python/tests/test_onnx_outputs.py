# SPDX-License-Identifier: Apache-2.0
"""Outputs of `export` and of `compress MODEL.onnx`: complete or not at all, and nothing of others is lost."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fault_tools as ft
import loewner
import pytest
from loewner._core import IfExists
from loewner._output_stage import OutputStage
from onnx_models import encoder, saved
from static_models import model2vec

KILLED = 9
# Ends the process without any cleaning up, when a file or folder is about to get the given path.
KILL = f"""
import os, sys
from pathlib import Path

def dying(move):
    def moved(self, target):
        if str(target) == sys.argv[1]:
            os._exit({KILLED})
        return move(self, target)
    return moved

Path.rename, Path.replace = dying(Path.rename), dying(Path.replace)
"""


def die(code: str, *arguments: object) -> None:
    """Runs Python code that is killed."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == KILLED, done.stderr


class Command(ABC):
    """A command that writes one output. Its two contents differ."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"

    @property
    def stage(self) -> Path:
        return self.out.with_name(f"{self.out.name}.partial")

    @abstractmethod
    def call(self, if_exists: str, number: int) -> str:
        """The Python code of a run."""

    def write(self, if_exists: str = "refuse", number: int = 0) -> None:
        exec(self.call(if_exists, number), {"loewner": loewner})

    def die(self, place: Path, number: int = 0) -> None:
        """A run that is killed when something is about to be renamed to a place."""
        die(f"{KILL}\nimport loewner\n{self.call('overwrite', number)}", place)

    def content(self) -> dict[str, bytes]:
        return ft.files_of(self.out) if self.out.is_dir() else {"": self.out.read_bytes()}


class Export(Command):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.model = model2vec(folder / "model")

    def call(self, if_exists: str, number: int) -> str:
        names = f"name='model{number}.onnx', if_exists={if_exists!r}"
        return f"loewner.export({str(self.model)!r}, {str(self.out)!r}, {names})"


class CompressFile(Command):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.model = saved(encoder(), folder / "model.onnx")
        self.out = folder / "out.onnx"

    def call(self, if_exists: str, number: int) -> str:
        options = f"selection='all', bits={4 + number}, text='none', if_exists={if_exists!r}"
        return f"loewner.compress({str(self.model)!r}, {str(self.out)!r}, {options})"


class CompressFolder(CompressFile):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.model, self.out = folder / "model", folder / "out"
        (self.model / "onnx").mkdir(parents=True)
        (folder / "model.onnx").rename(self.model / "onnx" / "model.onnx")
        (self.model / "config.json").write_text('{"model_type": "bert"}')


@pytest.fixture(params=[Export, CompressFile, CompressFolder])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Command:
    made: Command = request.param(tmp_path)
    return made


@pytest.mark.parametrize("if_exists", ["refuse", "overwrite", "resume"])
def test_a_foreign_folder_where_unfinished_outputs_go_is_kept(command: Command, if_exists: str) -> None:
    command.stage.mkdir()
    (command.stage / "thesis.txt").write_text("precious")
    with pytest.raises(loewner.IoError, match=r"partial: must be free .* 'thesis\.txt', which loewner did not write"):
        command.write(if_exists)
    assert ft.files_of(command.stage) == {"thesis.txt": b"precious"}
    assert not command.out.exists()
    (command.stage / "thesis.txt").unlink()
    command.write(if_exists)  # only the foreign file was refused


def test_other_things_where_unfinished_outputs_go_are_kept(command: Command) -> None:
    command.stage.write_text("precious")
    with pytest.raises(loewner.IoError, match="something else is there"):
        command.write("overwrite")
    assert command.stage.read_text() == "precious"
    command.stage.unlink()
    (command.folder / "elsewhere").mkdir()
    command.stage.symlink_to("elsewhere")
    with pytest.raises(loewner.IoError, match="something else is there"):
        command.write("overwrite")
    assert command.stage.is_symlink()


def test_a_foreign_folder_beside_is_kept(command: Command) -> None:
    beside = command.folder / f"{command.stage.name}.replaced"
    beside.mkdir()
    (beside / "thesis.txt").write_text("precious")
    for number in (0, 1):
        command.write("overwrite", number)
    assert ft.files_of(beside) == {"thesis.txt": b"precious"}


def test_an_unfinished_output_is_overwritten_on_request_only(command: Command) -> None:
    command.die(command.out)
    assert command.stage.exists() and not command.out.exists()
    with pytest.raises(loewner.IoError, match=r"partial: holds an unfinished output; .*\(--overwrite\)"):
        command.write()
    assert command.stage.exists()
    command.write("overwrite", 1)
    assert command.out.exists() and not command.stage.exists()


@pytest.mark.parametrize("command", [Export, CompressFolder], indirect=True)
def test_the_old_output_returns_after_a_crash_between_two_renames(command: Command) -> None:
    command.write()
    before = command.content()
    command.die(command.out, number=1)
    assert not command.out.exists()  # else the run was not killed between the renames
    with pytest.raises(loewner.IoError, match="already exists"):
        command.write()
    assert command.content() == before
    command.write("overwrite", 1)
    assert command.content() != before
    assert not command.stage.exists()


def test_a_file_never_meets_the_data_of_another_one(tmp_path: Path) -> None:
    command = CompressFile(tmp_path)
    saved(encoder(), command.model, data="weights")
    command.write()
    data = command.out.with_name("out.onnx_data")
    before = command.content(), data.read_bytes()
    command.die(command.out, number=1)
    assert data.read_bytes() != before[1]  # the new data are in their place
    with pytest.raises(loewner.IoError, match="already exists"):
        command.write()
    assert (command.content(), data.read_bytes()) == before
    command.write("overwrite", 1)
    assert loewner.verify(command.out, command.model).holds and not command.stage.exists()


@contextmanager
def locked(stage: Path) -> Iterator[None]:
    stage.mkdir()
    with (stage / "lock").open("w") as lock:
        lock.write("process 12345 on elsewhere")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("if_exists", ["refuse", "overwrite", "resume"])
def test_a_second_run_is_refused(command: Command, if_exists: str) -> None:
    message = r"out(\.onnx)?: another run \(process 12345 on elsewhere\) is writing this output"
    with locked(command.stage), pytest.raises(loewner.IoError, match=message):
        command.write(if_exists)
    assert not command.out.exists()
    command.write(if_exists)  # the lock ends with its process
    assert command.out.exists() and not command.stage.exists()


def test_the_core_is_refused_while_an_export_runs_and_overwrites_what_one_left(tmp_path: Path) -> None:
    out, model = tmp_path / "out", ft.write_model(tmp_path / "model")
    with OutputStage(out, IfExists.refuse, lambda path: "", work="export"), pytest.raises(loewner.IoError) as error:
        loewner.compress(model, out, keep=0.6, text="none", if_exists="overwrite")
    assert "another run (process " in str(error.value)
    (tmp_path / "other").mkdir()
    command = Export(tmp_path / "other")
    command.die(command.out)
    with pytest.raises(loewner.IoError, match="holds an unfinished output"):
        loewner.compress(model, command.out, keep=0.6, text="none")
    loewner.compress(model, command.out, keep=0.6, text="none", if_exists="overwrite")
    assert not command.stage.exists()


def test_a_run_whose_stage_was_taken_away_publishes_nothing(tmp_path: Path) -> None:
    command = Export(tmp_path)

    def take(task: str, share: float) -> None:
        if task == "checking":
            command.stage.rename(tmp_path / "taken")
            command.stage.mkdir()
            (command.stage / "thesis.txt").write_text("precious")

    with pytest.raises(OSError, match=r"out\.partial"):
        loewner.export(command.model, command.out, progress=take)
    assert not command.out.exists()
    assert ft.files_of(command.stage) == {"thesis.txt": b"precious"}


def test_an_output_that_somebody_made_during_the_run_is_kept(tmp_path: Path) -> None:
    command = CompressFile(tmp_path)

    def make(task: str, share: float) -> None:
        command.out.write_text("precious")

    with pytest.raises(loewner.IoError, match="already exists"):
        loewner.compress(command.model, command.out, bits=4, text="none", progress=make)
    assert command.out.read_text() == "precious" and not command.stage.exists()


def test_a_link_stays_and_what_it_names_is_replaced(command: Command) -> None:
    (command.folder / "store").mkdir()
    real = command.folder / "store" / command.out.name
    command.out.symlink_to(real.relative_to(command.folder))
    command.write("overwrite")
    first = command.content()
    command.write("overwrite", 1)
    assert command.out.is_symlink() and real.exists() and not real.is_symlink()
    assert command.content() != first
    assert [path.name for path in real.parent.iterdir()] == [real.name]


def test_a_loop_of_links_is_refused(command: Command) -> None:
    command.out.symlink_to(command.out.name)
    with pytest.raises(loewner.IoError, match="too many symbolic links"):
        command.write("overwrite")


def modes(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_mode & 0o777 for path in [root, *root.rglob("*")]}


@pytest.mark.parametrize("command", [Export, CompressFolder], indirect=True)
def test_permissions_are_kept(command: Command) -> None:
    model = command.folder / "model"
    (model / "1_Pooling").mkdir()
    for name in ("1_Pooling/config.json", "run.sh", "config.json"):
        (model / name).touch()
    (model / "run.sh").chmod(0o700)
    for path in model.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.name == "run.sh" else 0o600)
    model.chmod(0o700)
    command.write()
    found = modes(command.out)
    assert set(modes(model)) - {"model.safetensors"} <= set(found)
    own = {"loewner_export.json": 0o644}  # says nothing of the model
    assert {name: mode for name, mode in found.items() if mode & 0o077} == {
        name: mode for name, mode in own.items() if name in found
    }
    assert found["run.sh"] == 0o700


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    command = CompressFile(tmp_path)
    for mode in (0o600, 0o644):
        command.model.chmod(mode)
        command.write("overwrite")
        assert modes(command.out)["."] == mode


def test_a_refused_resumption_keeps_the_unfinished_output(tmp_path: Path) -> None:
    command = CompressFile(tmp_path)
    progress = f"progress=lambda task, share: os._exit({KILLED}) if share > 0.5 else None"
    die(f"import os, loewner\n{command.call('refuse', 0)[:-1]}, {progress})")
    state = command.stage / "unfinished" / "encoded-0.partial" / "state.json"  # large matrices have parts beside it
    before = state.read_bytes()
    with pytest.raises(loewner.IoError, match="from another model or with other options"):
        command.write("resume", 1)
    assert state.read_bytes() == before
    command.write("resume")
    assert command.out.exists() and not command.stage.exists()


class CompressToBudget(CompressFile):
    def call(self, if_exists: str, number: int) -> str:
        return super().call(if_exists, number).replace("bits=4", "budget=90_000")


def test_a_run_that_was_killed_after_several_tries_is_resumed(tmp_path: Path) -> None:
    command = CompressToBudget(tmp_path)
    command.die(command.out)
    assert (command.stage / "unfinished" / "encoded-1").exists()  # else the first try met the budget
    command.write("resume")
    resumed = command.content()
    command.write("overwrite")
    assert command.content() == resumed and not command.stage.exists()


def test_only_the_same_command_resumes_an_unfinished_output(tmp_path: Path) -> None:
    command = CompressFolder(tmp_path)
    loewner.compress(ft.write_model(tmp_path / "other"), command.out, keep=0.6, text="none")
    command.out.rename(tmp_path / "whole")
    command.stage.mkdir()
    (command.stage / "state.json").write_text('{"fingerprint": "of the core"}')
    with pytest.raises(loewner.IoError, match="from another model or with other options"):
        command.write("resume")
    assert (command.stage / "state.json").exists()
    command.write("overwrite")
