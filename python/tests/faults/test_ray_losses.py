# SPDX-License-Identifier: Apache-2.0
"""`compress --ray` loses a process, a node or the driver: the output has the bytes of one process."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fault_tools as ft
import pytest
from ray_clusters import add_nodes, parts_of, ray_cluster, tasks_on, wait_for, workers

pytest.importorskip("ray")
AMOUNT = ("--method", "codes", "--bits", 3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ft.write_model(tmp_path_factory.mktemp("ray") / "model", ft.large_tensors(3))


@pytest.fixture(scope="module")
def undisturbed(model: Path) -> dict[str, bytes]:
    """The files that one process writes."""
    out = model.with_name("out")  # the card names the folder
    done = ft.run(*ft.compress_all(model, out, *AMOUNT))
    assert (done.returncode, done.stderr) == (0, "")
    return ft.files_of(out)


@pytest.fixture(scope="module")
def shared_cluster() -> Iterator[Any]:
    with ray_cluster(nodes=0) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Any) -> Any:
    """A cluster of two nodes, whatever the last test left of it."""
    add_nodes(shared_cluster, 2 - len(workers(shared_cluster)))
    return shared_cluster


def command(cluster: Any, model: Path, out: Path, *options: object) -> list[str]:
    return ft.tool() + ft.compress_all(model, out, *AMOUNT, "--ray", cluster.address, *options)


def started(cluster: Any, model: Path, out: Path) -> subprocess.Popen[str]:
    """A driver some of whose parts are finished while a task runs on each node."""
    process = subprocess.Popen(command(cluster, model, out), stderr=subprocess.PIPE, text=True)

    def is_in_the_middle() -> bool:
        assert process.poll() is None, process.communicate()
        return bool(parts_of(out)) and all(tasks_on(node, out) for node in workers(cluster))

    wait_for(is_in_the_middle)
    assert len(parts_of(out)) < 4
    return process


def node_with_tasks(cluster: Any, out: Path) -> Any:
    """A worker that computes now: each of them may be between two tasks."""
    wait_for(lambda: any(tasks_on(node, out) for node in workers(cluster)))
    return next(node for node in workers(cluster) if tasks_on(node, out))


def require_finished(process: subprocess.Popen[str], out: Path, undisturbed: dict[str, bytes]) -> None:
    error = process.communicate(timeout=240)[1]
    assert (process.returncode, error) == (0, "")
    require_same(out, undisturbed)


def require_same(out: Path, undisturbed: dict[str, bytes]) -> None:
    assert ft.files_of(out) == undisturbed
    assert not out.with_name("out.partial").exists()


def resume(cluster: Any, model: Path, out: Path, undisturbed: dict[str, bytes]) -> None:
    wait_for(lambda: not any(tasks_on(node, out) for node in workers(cluster)))
    kept = {name: (out.with_name("out.partial") / "parts" / name).stat().st_mtime_ns for name in parts_of(out)}
    assert kept
    done = subprocess.run(command(cluster, model, out), capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 3 and "--resume" in done.stderr
    process = subprocess.Popen(command(cluster, model, out, "--resume"), stderr=subprocess.PIPE, text=True)
    require_finished(process, out, undisturbed)


def test_a_killed_task_runs_again(cluster: Any, model: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(cluster, model, out)
    killed = [pid for node in workers(cluster) for pid in tasks_on(node, out)]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert killed
    require_finished(process, out, undisturbed)


def test_the_tasks_of_a_lost_node_run_on_another(
    cluster: Any, model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(cluster, model, out)
    lost = node_with_tasks(cluster, out)
    cluster.remove_node(lost, allow_graceful=False)
    require_finished(process, out, undisturbed)


def test_a_run_whose_driver_was_killed_is_resumed(
    cluster: Any, model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(cluster, model, out)
    process.kill()
    process.wait()
    assert not out.exists()
    resume(cluster, model, out, undisturbed)


def test_ctrl_c_cancels_the_tasks_and_keeps_finished_parts(
    cluster: Any, model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(cluster, model, out)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == "loewner: cancelled\n"
    assert process.returncode == 130
    assert not any(tasks_on(node, out) for node in workers(cluster))
    assert not out.exists()
    resume(cluster, model, out, undisturbed)


def test_a_run_without_a_node_ends_and_is_resumed(
    cluster: Any, model: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = started(cluster, model, out)
    for node in workers(cluster):
        cluster.remove_node(node, allow_graceful=False)
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 3 and "no node of the cluster has a CPU" in error, error
    add_nodes(cluster, 1)
    resume(cluster, model, out, undisturbed)
