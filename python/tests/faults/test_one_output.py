# SPDX-License-Identifier: Apache-2.0
"""Two runs on one output, and outputs that somebody else wrote: nothing is lost."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import fault_tools as ft
import numpy as np
import pytest

PAIRS = int(os.environ.get("LOEWNER_TEST_PAIRS", "30"))


class Output:
    """One output, and the contents that each of the runs on it would give."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(3)
        arrays = {
            ft.TABLE: rng.standard_normal((3000, 64)).astype(np.float32),
            "layer.0.dense.weight": rng.standard_normal((256, 64)).astype(np.float32),
        }
        self.model, self.out = ft.write_model(folder / "model", arrays), folder / "out"
        self.commands = {bits: ft.compress_all(self.model, self.out, "--bits", bits) for bits in (3, 4)}
        self.results = []
        for command in self.commands.values():
            assert ft.run(*command, "--overwrite").returncode == 0
            self.results.append(ft.files_of(self.out))
        self.start = self.results[-1]

    def is_whole(self) -> bool:
        return ft.files_of(self.out) in self.results

    def race(self, pause: float, options: tuple[str, str]) -> list[int]:
        """Starts two runs, the second after a pause; returns their exit codes."""
        processes = []
        for command, option in zip(self.commands.values(), options, strict=True):
            processes.append(
                subprocess.Popen([*ft.tool(), *command, option], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
            )
            time.sleep(pause)
        errors = [process.communicate(timeout=120)[1].decode() for process in processes]
        codes = [process.returncode for process in processes]
        for code, error in zip(codes, errors, strict=True):
            assert (code, error) == (0, "") or (code == 3 and error.startswith("loewner: ")), error
        return codes


def test_pairs_of_runs_on_one_output_leave_it_whole(tmp_path: Path) -> None:
    output = Output(tmp_path)
    moments = random.Random(5)
    broken, refused = 0, 0
    for _ in range(PAIRS):
        second = moments.choice(["--overwrite", "--overwrite", "--resume"])
        codes = output.race(moments.uniform(0, 0.3), ("--overwrite", second))
        refused += 3 in codes
        broken += not output.is_whole() or output.out.with_name("out.partial").exists()
    print(f"{PAIRS} pairs, {refused} with a refused run, {broken} broken")
    assert broken == 0
    assert refused > 0  # else the runs did not meet


def test_expand_is_refused_while_another_run_writes_its_output(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    model, out, dense = ft.write_model(tmp_path / "model"), tmp_path / "out", tmp_path / "dense"
    assert ft.run("compress", model, "-o", out, "--keep", 0.6).returncode == 0
    stage = tmp_path / "dense.partial"
    stage.mkdir()
    with (stage / "lock").open("w") as lock:
        lock.write("process 12345 on elsewhere")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        for options in ([], ["--overwrite"]):
            line = ft.refusal(3, "expand", out, "-o", dense, *options)
            assert f"{dense}: another run (process 12345 on elsewhere) is writing this output" in line
    assert ft.run("expand", out, "-o", dense).returncode == 0  # the lock ends with its process
    assert not stage.exists()


def test_a_run_whose_stage_was_removed_publishes_nothing(tmp_path: Path) -> None:
    model, out, stage = (
        ft.write_model(tmp_path / "model", ft.large_tensors(4)),
        tmp_path / "out",
        tmp_path / "out.partial",
    )
    command = ft.tool() + ft.compress_all(model, out, "--method", "svd", "--keep", 0.9)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while not any(stage.glob("folder-*")):  # before, the run would begin a new one
        assert process.poll() is None
        time.sleep(0.005)
    stage.rename(tmp_path / "taken")
    error = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 3 and "out.partial" in error, error
    assert not out.exists() and not stage.exists()


class TestOverwrite:
    """--overwrite replaces outputs of loewner and empty folders. A device is not tried: root would delete it."""

    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        return ft.write_model(tmp_path / "model")

    def refused(self, model: Path, out: Path) -> str:
        before = ft.files_of(out.parent)
        line = ft.refusal(3, "compress", model, "-o", out, "--keep", 0.6, "--overwrite")
        assert ft.files_of(out.parent) == before
        assert not out.with_name(out.name + ".partial").exists()
        return line

    def test_a_foreign_folder(self, tmp_path: Path, model: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").write_text("precious")
        line = self.refused(model, tmp_path / "out")
        assert "a folder that loewner did not write" in line and "'thesis.txt'" in line

    def test_another_model(self, tmp_path: Path, model: Path) -> None:
        ft.write_model(tmp_path / "out")
        assert "a folder that loewner did not write" in self.refused(model, tmp_path / "out")

    def test_a_regular_file(self, tmp_path: Path, model: Path) -> None:
        (tmp_path / "out").write_text("precious")
        assert "it is a regular file" in self.refused(model, tmp_path / "out")

    def test_a_named_pipe(self, tmp_path: Path, model: Path) -> None:
        os.mkfifo(tmp_path / "out")
        line = ft.refusal(3, "compress", model, "-o", tmp_path / "out", "--keep", 0.6, "--overwrite")
        assert "it is a named pipe" in line and (tmp_path / "out").is_fifo()

    def test_a_foreign_folder_where_unfinished_outputs_go(self, tmp_path: Path, model: Path) -> None:
        (tmp_path / "out.partial").mkdir()
        (tmp_path / "out.partial" / "thesis.txt").write_text("precious")
        line = ft.refusal(3, "compress", model, "-o", tmp_path / "out", "--keep", 0.6, "--overwrite")
        assert "it holds 'thesis.txt', which loewner did not write" in line
        assert (tmp_path / "out.partial" / "thesis.txt").read_text() == "precious"

    def test_an_output_an_expanded_model_and_an_empty_folder_are_replaced(self, tmp_path: Path, model: Path) -> None:
        out, dense = tmp_path / "out", tmp_path / "dense"
        out.mkdir()
        for bits in (4, 3):
            assert ft.run("compress", model, "-o", out, "--bits", bits, "--overwrite").returncode == 0
        for _ in range(2):
            assert ft.run("expand", out, "-o", dense, "--overwrite").returncode == 0

    def test_a_link_stays_and_its_target_is_replaced(self, tmp_path: Path, model: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "out").symlink_to("real")
        for bits in (4, 3):
            assert ft.run("compress", model, "-o", tmp_path / "out", "--bits", bits, "--overwrite").returncode == 0
        assert (tmp_path / "out").is_symlink() and (tmp_path / "real" / "config.json").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out", "real"]


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD")
def test_a_file_system_that_cannot_exchange_names(tmp_path: Path) -> None:
    """An output is still replaced. The exchange fails as on NFS."""
    source, library = tmp_path / "renameat2.c", tmp_path / "renameat2.so"
    source.write_text(
        "#include <errno.h>\nint renameat2(int a, const char* b, int c, const char* d, unsigned e)\n"
        "{ (void)a; (void)b; (void)c; (void)d; (void)e; errno = EINVAL; return -1; }\n"
    )
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no C compiler")
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    assert ft.run("compress", model, "-o", out, "--bits", 4).returncode == 0
    first = ft.files_of(out)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    done = ft.run("compress", model, "-o", out, "--bits", 3, "--overwrite", env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.files_of(out) != first
    assert ft.run("verify", out, "--against", model).returncode == 0
    assert not (tmp_path / "out.partial").exists()
