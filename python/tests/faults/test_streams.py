# SPDX-License-Identifier: Apache-2.0
"""Standard output that is full or closed, signals at the end of a run, names that are not UTF-8, little memory."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import fault_tools as ft
import loewner
import pytest

ODD = os.fsdecode(b"\xff odd")


def shell(line: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The tool with redirections that the shell makes."""
    command = ["sh", "-c", f'exec "$0" "$@" {line}', *ft.tool(), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("command", ["inspect", "compress", "--help", "--version"])
def test_a_standard_output_that_cannot_be_written(tmp_path: Path, redirection: str, command: str) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    options: dict[str, list[object]] = {"inspect": [model], "compress": [model, "-o", out, "--keep", 0.6]}
    arguments = options.get(command, [])
    done = shell(redirection, command, *arguments)
    assert done.returncode == 3
    assert done.stderr.startswith("loewner: standard output: cannot be written") and done.stderr.count("\n") == 1
    if command == "compress":  # the table is not written into a file of the output
        assert ft.run("verify", out, "--against", model).returncode == 0


def test_a_closed_standard_output_is_no_failure_if_nothing_is_printed(tmp_path: Path) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    assert shell(">&- 2>&- <&-", "compress", model, "-o", out, "--keep", 0.6, "--quiet").returncode == 0
    assert ft.run("verify", out, "--against", model).returncode == 0


def test_a_python_command_reports_a_full_standard_output(tmp_path: Path) -> None:
    model, out, page = ft.write_model(tmp_path / "model"), tmp_path / "out", tmp_path / "page.html"
    assert ft.run("compress", model, "-o", out, "--keep", 0.6).returncode == 0
    for redirection in ("> /dev/full", ">&-"):
        done = shell(redirection, "report", out, "-o", page)
        assert done.returncode == 3 and "standard output: cannot be written" in done.stderr, done.stderr


def test_a_report_on_a_full_disk_leaves_the_old_one(tmp_path: Path) -> None:
    model, report = ft.write_model(tmp_path / "model"), tmp_path / "report.json"
    report.write_text("old")
    line = ft.refusal(
        3,
        "inspect",
        model,
        "--quiet",
        "--json",
        report,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    assert "report.json: cannot be written" in line
    assert report.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "report.json"]


def test_a_report_goes_into_a_pipe(tmp_path: Path) -> None:
    done = ft.run("inspect", ft.write_model(tmp_path / "model"), "--quiet", "--json", "/dev/stdout")
    assert done.returncode == 0 and json.loads(done.stdout)["model_type"] == "bert"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_the_end_of_a_run(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0 or 130, no traceback, and the output is whole or absent."""
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    command = [*ft.tool(), "compress", str(model), "-o", str(out), "--keep", "0.6", "--quiet"]
    for attempt in range(16):
        for folder in (out, tmp_path / "out.partial"):  # an interrupted run keeps its finished parts
            shutil.rmtree(folder, ignore_errors=True)
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        while not out.exists() and not (tmp_path / "out.partial").exists():
            assert process.poll() is None
        time.sleep(attempt * 0.002)
        process.send_signal(number)
        error = process.communicate(timeout=60)[1].decode()
        assert process.returncode in (0, 130), error
        assert error in ("", "loewner: cancelled\n")
        assert process.returncode == 130 or (out / "config.json").exists()


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    model, out, dense = (tmp_path / (ODD + name) for name in ("model", "out", "dense"))
    ft.write_model(model)
    (model / (ODD + ".txt")).write_text("text")
    (model / (ODD + ".gguf")).write_text("left out")
    counts = tmp_path / (ODD + "counts.tsv")
    counts.write_text("1\t5\n")
    arguments = ["compress", model, "-o", out, "--keep", 0.6, "--row-weights", counts, "--json", tmp_path / ODD]
    command: list[str | bytes] = [*ft.tool(), *(os.fsencode(str(argument)) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (out / (ODD + ".txt")).read_text() == "text"
    assert json.loads((tmp_path / ODD).read_text())["notes"]
    assert ft.run("expand", os.fsencode(out).decode(errors="surrogateescape"), "-o", dense).returncode == 0
    command = [*ft.tool(), "report", str(out), "-o", str(tmp_path / (ODD + ".html"))]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    with pytest.raises(loewner.IoError, match="none: must be a model folder"):
        loewner.compress(tmp_path / (ODD + "none"), tmp_path / "x", keep=0.6)


@pytest.mark.parametrize("files", range(5, 16))
def test_few_open_files_leave_nothing(tmp_path: Path, files: int) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    limit = (files, files)
    command = ["compress", model, "-o", out, "--keep", 0.6]
    done = ft.run(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    assert done.returncode in (0, 1, 3, 127)  # the interpreter itself may fail to start
    assert not (tmp_path / "out.partial").exists()
    assert out.exists() == (done.returncode == 0)


@pytest.mark.parametrize("threads", [1, 2])
def test_too_little_memory_for_blas(tmp_path: Path, threads: int) -> None:
    """Limits from too little to enough: never an exit by BLAS itself."""
    model, out = ft.write_model(tmp_path / "model", {ft.TABLE: ft.table(3000, 64)}), tmp_path / "out"
    codes = set()
    for megabytes in range(100, 1000, 75):
        size = megabytes << 20
        command = ["compress", model, "-o", out, "--bits", 3, "--overwrite", "--threads", threads]
        done = ft.run(*command, preexec_fn=lambda s=size: resource.setrlimit(resource.RLIMIT_AS, (s, s)))
        assert "OpenBLAS" not in done.stderr, (megabytes, done.stderr)
        assert not (tmp_path / "out.partial").exists()
        codes.add(done.returncode)
    assert 0 in codes and 3 in codes
