# SPDX-License-Identifier: Apache-2.0
"""What the machine can do to a run: full disks, folders that exist or cannot be written, interrupts."""

import os
import resource
import signal
from pathlib import Path

import fault_tools as ft
import pytest
from interruptible import interruptible


def limit_files_to(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# 100 bytes do not even hold the state of the run; 8 KB not the arrays, 30 KB not the whole output.
@pytest.mark.parametrize("size", [10, 100, 8_000, 30_000])
def test_a_disk_that_is_full(tmp_path: Path, size: int) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    line = ft.refusal(3, "compress", model, "-o", out, "--keep", 0.6, out=out, preexec_fn=lambda: limit_files_to(size))
    assert f"{out}.partial/" in line and "cannot write: File too large" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_parent_that_is_read_only(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o555)
    out = parent / "out"
    line = ft.refusal(3, "compress", ft.write_model(tmp_path / "model"), "-o", out, "--keep", 0.6, out=out)
    assert "Permission denied" in line


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_a_file_system_that_takes_no_folders(tmp_path: Path) -> None:
    """Also for root, whom permissions do not bind."""
    out = Path("/proc/self/out")
    line = ft.refusal(3, "compress", ft.write_model(tmp_path / "model"), "-o", out, "--keep", 0.6)
    assert "out.partial" in line and "cannot create the folder" in line


def test_a_parent_that_does_not_exist(tmp_path: Path) -> None:
    out = tmp_path / "none" / "out"
    line = ft.refusal(3, "compress", ft.write_model(tmp_path / "model"), "-o", out, "--keep", 0.6, out=out)
    assert "none: the output's parent folder does not exist" in line


def test_a_model_that_does_not_exist(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "none: " in ft.refusal(3, "compress", tmp_path / "none", "-o", out, "--keep", 0.6, out=out)


@pytest.mark.parametrize("as_file", [True, False])
def test_an_output_that_exists_is_left_alone(tmp_path: Path, as_file: bool) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    mine = out if as_file else out / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    for options in ([], ["--resume"]):
        assert "out: already exists" in ft.refusal(3, "compress", model, "-o", out, "--keep", 0.6, *options)
    assert mine.read_text() == "precious"
    assert not (tmp_path / "out.partial").exists()


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    done = ft.run("compress", model, "-o", out, "--keep", 0.6, "--json", tmp_path / "none" / "report.json", "--quiet")
    assert done.returncode == 3 and done.stderr.count("\n") == 1
    assert "report.json: cannot be written" in done.stderr


def test_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    arrays = {ft.TABLE: ft.table(), **{f"layer.{i}.dense.weight": ft.table(3000, 256, i) for i in range(6)}}
    model, out = ft.write_model(tmp_path / "model", arrays), tmp_path / "out"
    options = ["compress", str(model), "-o", str(out), "--all", "--text", "none", "--keep", "0.7"]
    with interruptible(ft.tool() + options) as process:
        while not (tmp_path / "out.partial/parts/1").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and errors == "loewner: cancelled\n"
    assert not out.exists()
    resumed = ft.run(*options, "--resume")
    assert resumed.returncode == 0 and "was finished by an earlier run" in resumed.stdout
    assert ft.run("verify", out, "--against", model).returncode == 0
