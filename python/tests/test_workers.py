# SPDX-License-Identifier: Apache-2.0
"""`compress --worker I/N`: processes that make the parts of one output, and `--assemble`, which writes it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import fault_tools as ft
import numpy as np
import pytest

SIZES = {ft.TABLE: (400, 32), **{f"layer.{i}.dense.weight": (64 + 32 * i, 64) for i in range(5)}}
AMOUNT = ("--keep", 0.5, "--method", "auto")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    arrays = {name: ft.table(rows, cols, seed) for seed, (name, (rows, cols)) in enumerate(SIZES.items())}
    return ft.write_model(tmp_path_factory.mktemp("workers") / "model", arrays)


@pytest.fixture(scope="module")
def undisturbed(model: Path) -> dict[str, bytes]:
    """The files that one process writes."""
    out = model.with_name("out")  # the card names the folder
    done = ft.run(*ft.compress_all(model, out, *AMOUNT))
    assert (done.returncode, done.stderr) == (0, "")
    return ft.files_of(out)


def work(model: Path, out: Path, *options: object) -> None:
    done = ft.run(*ft.compress_all(model, out, *AMOUNT, *options))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def require_same(out: Path, undisturbed: dict[str, bytes]) -> None:
    assert ft.files_of(out) == undisturbed
    assert not out.with_name(out.name + ".partial").exists()


@pytest.mark.parametrize("order", [(0,), (1, 0), (2, 0, 1)])
def test_workers_in_any_order_write_the_bytes_of_one_process(
    order: tuple[int, ...], model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for worker in order:
        work(model, out, "--worker", f"{worker}/{len(order)}")
        assert not out.exists()
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_workers_at_the_same_time_write_the_bytes_of_one_process(
    model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    commands = [ft.tool() + ft.compress_all(model, out, *AMOUNT, "--worker", f"{i}/2") for i in range(2)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_shares_are_balanced_and_have_each_part_once(model: Path, tmp_path: Path) -> None:
    made: list[list[str]] = []
    for worker in range(2):
        report = tmp_path / f"{worker}.json"
        work(model, tmp_path / "out", "--worker", f"{worker}/2", "--json", report)
        data = json.loads(report.read_text())
        assert (data["worker"], data["workers"], data["kept"], data["copied"]) == (worker, 2, [], [])
        made.append(data["made"])
    entries = [sum(SIZES[name][0] * SIZES[name][1] for name in share) for share in made]
    assert max(entries) <= 1.2 * min(entries)
    assert sorted(made[0] + made[1]) == sorted(SIZES)
    assert made[0][0] == ft.TABLE  # the most expensive comes first


def test_assemble_names_what_is_missing_and_who_makes_it(
    model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert "no worker has run" in ft.refusal(3, *ft.compress_all(model, out, *AMOUNT, "--assemble"), out=out)
    for worker in (0, 2):
        work(model, out, "--worker", f"{worker}/3")
    message = ft.refusal(3, *ft.compress_all(model, out, *AMOUNT, "--assemble"))
    assert "2 of 6 parts are missing: " in message and message.endswith("run again: --worker 1/3\n")
    assert not out.exists()
    work(model, out, "--worker", "1/3")  # the parts of the others are still there
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_a_killed_worker_runs_again_and_keeps_its_parts(tmp_path: Path) -> None:
    large = ft.write_model(tmp_path / "model", ft.large_tensors(3))
    out, report = tmp_path / "out", tmp_path / "report.json"
    options = ("--keep", 0.9, "--method", "svd", "--max-memory", "190MB")  # parts are soon saved
    command = ft.compress_all(large, out, *options, "--worker", "0/1")
    process = subprocess.Popen(ft.tool() + command)
    parts = tmp_path / "out.partial" / "parts"
    while not any(path.name.isdigit() for path in parts.glob("*")) and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert ft.run(*command, "--json", report).returncode == 0
    data = json.loads(report.read_text())
    assert data["kept"] and len(data["kept"] + data["made"]) == 4
    assert ft.run(*ft.compress_all(large, out, *options, "--assemble")).returncode == 0
    (tmp_path / "alone").mkdir()  # the card names the output's folder
    assert ft.run(*ft.compress_all(large, tmp_path / "alone" / "out", *options)).returncode == 0
    assert ft.files_of(out) == ft.files_of(tmp_path / "alone" / "out")


def test_other_work_on_the_same_output_is_refused_and_harms_nothing(
    model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    work(model, out, "--worker", "0/2")
    other = ("--keep", 0.4, "--method", "auto")
    for options in ((*other, "--worker", "1/2"), (*other, "--assemble")):
        assert "other options" in ft.refusal(3, *ft.compress_all(model, out, *options))
    assert "unfinished output" in ft.refusal(3, *ft.compress_all(model, out, *AMOUNT))
    work(model, out, "--worker", "1/2")
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_nobody_takes_the_parts_of_a_running_worker(model: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(ft.tool() + ft.compress_all(model, out, *AMOUNT, "--worker", "0/2"))
    while not (tmp_path / "out.partial" / "state.json").exists() and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    try:
        for option in ("--assemble", "--resume", "--overwrite"):
            assert "another run (process" in ft.refusal(3, *ft.compress_all(model, out, *AMOUNT, option))
    finally:
        process.send_signal(signal.SIGCONT)
        assert process.wait(timeout=60) == 0
    work(model, out, "--worker", "1/2")
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_a_worker_finds_a_finished_output(model: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    work(model, out, "--worker", "0/1")
    work(model, out, "--assemble")
    work(model, out, "--worker", "0/1")
    work(model, out, "--assemble")
    require_same(out, undisturbed)


def test_a_run_of_one_process_resumes_what_workers_made(
    model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    work(model, out, "--worker", "0/2")
    work(model, out, "--resume")
    require_same(out, undisturbed)


def test_a_tensor_that_is_copied_is_not_missing(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32)  # of no low rank
    model = ft.write_model(tmp_path / "model", {ft.TABLE: ft.table(), "layer.0.dense.weight": noise})
    options = ("--max-error", 0.4, "--method", "svd")
    (tmp_path / "alone").mkdir()
    for out, steps in (("alone/out", ((),)), ("out", (("--worker", "0/2"), ("--worker", "1/2"), ("--assemble",)))):
        for step in steps:
            assert ft.run(*ft.compress_all(model, tmp_path / out, *options, *step)).returncode == 0
    assert ft.files_of(tmp_path / "out") == ft.files_of(tmp_path / "alone" / "out")


@pytest.mark.parametrize("share", ["2/2", "0/0", "-1/2", "1", "a/b", "1/", "/2", "0/2x"])
def test_a_share_that_does_not_exist_is_refused(share: str, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "--worker must be I/N" in ft.refusal(2, *ft.compress_all(model, out, *AMOUNT, f"--worker={share}"), out=out)


def test_linear_layers_need_moments_or_no_text(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for option in ("--worker=0/2", "--assemble"):
        message = ft.refusal(2, "compress", model, "-o", out, "--all", *AMOUNT, option, out=out)
        assert "--text none" in message and "--moments FILE" in message
    for option in ("--worker=0/2", "--assemble"):
        assert "--dry-run" in ft.refusal(2, *ft.compress_all(model, out, *AMOUNT, "--dry-run", option), out=out)


def test_a_worker_overwrites_no_output_but_the_assembly_may(
    model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert ft.run(*ft.compress_all(model, out, "--keep", 0.4)).returncode == 0
    before = ft.files_of(out)
    assert "--overwrite" in ft.refusal(3, *ft.compress_all(model, out, *AMOUNT, "--worker", "0/1"))
    work(model, out, "--worker", "0/1", "--overwrite")
    assert ft.files_of(out) == before
    work(model, out, "--assemble", "--overwrite")
    require_same(out, undisturbed)
