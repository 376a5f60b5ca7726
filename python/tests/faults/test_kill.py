# SPDX-License-Identifier: Apache-2.0
"""A run may be killed at any moment: the output is whole or absent, and a resumed run ends with the same bytes."""

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fault_tools as ft
import pytest

KILLS = 20


class Job:
    """A compress run of several tensors, and what it makes when nobody disturbs it."""

    def __init__(self, folder: Path) -> None:
        self.model = ft.write_model(folder / "model", ft.large_tensors(5))
        self.out, self.stage = folder / "out", folder / "out.partial"
        # A quarter of the memory is soon full of finished parts, which are then saved, on a machine of any speed.
        options = ("--method", "svd", "--keep", 0.9, "--max-memory", "190MB")
        self.arguments = ft.compress_all(self.model, self.out, *options)
        start = time.monotonic()
        assert ft.run(*self.arguments).returncode == 0
        self.seconds = time.monotonic() - start
        self.files = ft.files_of(self.out)
        self.clear()

    def clear(self) -> None:
        for path in sorted([*self.out.rglob("*"), *self.stage.rglob("*")], reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for path in (self.out, self.stage):
            if path.exists():
                path.rmdir()

    def kill_after(self, seconds: float) -> None:
        """Starts a run and kills it, and looks at the output all the while."""
        command = ft.tool() + self.arguments
        end = time.monotonic() + seconds
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while time.monotonic() < end and process.poll() is None:
            self.require_whole_or_absent()
            time.sleep(0.001)
        process.kill()
        process.wait()
        self.require_whole_or_absent()

    def require_whole_or_absent(self) -> None:
        if self.out.exists():
            assert ft.files_of(self.out) == self.files

    def resume(self) -> None:
        done = ft.run(*self.arguments, "--resume")
        assert (done.returncode, done.stderr) == (0, "")
        assert ft.files_of(self.out) == self.files
        assert not self.stage.exists()


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    yield Job(tmp_path)


def test_a_killed_run_is_resumed_to_the_same_bytes(job: Job) -> None:
    moments = random.Random(11)
    halfway, saved_parts = 0, 0
    for _ in range(KILLS):
        job.clear()
        job.kill_after(moments.uniform(0, 1.05 * job.seconds))
        halfway += job.stage.exists()
        saved_parts += len(list((job.stage / "parts").glob("*"))) if job.stage.exists() else 0
        job.resume()
    assert halfway > KILLS / 5 and saved_parts > 0  # else the kills came too early or too late to say anything


def test_a_run_that_is_killed_again_and_again_comes_to_an_end(job: Job) -> None:
    job.kill_after(job.seconds / 3)
    job.arguments.append("--resume")
    for _ in range(4):
        job.kill_after(job.seconds / 3)
    job.arguments.remove("--resume")
    job.resume()


def test_resuming_after_the_rename_only_cleans_up(job: Job) -> None:
    assert ft.run(*job.arguments).returncode == 0
    (job.stage / "parts" / "0").mkdir(parents=True)  # what a kill between rename and cleaning up leaves
    (job.stage / "parts" / "0" / "arrays.safetensors").write_bytes(b"x")
    before = {path: path.stat().st_mtime_ns for path in job.out.rglob("*")}
    job.resume()
    assert {path: path.stat().st_mtime_ns for path in job.out.rglob("*")} == before
