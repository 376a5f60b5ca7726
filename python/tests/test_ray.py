# SPDX-License-Identifier: Apache-2.0
"""`compress --ray` and `loewner.compress(ray=...)` on a cluster of several node processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fault_tools as ft
import loewner
import numpy as np
import pytest
from calibrated_models import bert_folder, write_text
from command_runs import Command
from loewner._ray.calibration import calibrated, calibrates_on_ray
from loewner._ray.cluster import _groups
from loewner._ray.nodes import Needs, Nodes
from loewner._urls import Places
from ray_clusters import ray_cluster

ray = pytest.importorskip("ray")
AMOUNT = ("--method", "svd", "--keep", 0.5)
MIB = 1 << 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with ray_cluster() as cluster:
        yield cluster


@pytest.fixture
def model(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32)  # of no low rank
    layers = {f"layer.{i}.dense.weight": ft.table(64 + 32 * i, 64, i) for i in range(4)}
    return ft.write_model(tmp_path / "model", {ft.TABLE: ft.table(), **layers, "layer.4.dense.weight": noise})


def of_one_process(model: Path, *options: object) -> dict[str, bytes]:
    """The files that one process writes."""
    (model.parent / "alone").mkdir()
    out = model.parent / "alone" / "out"  # the card names the folder
    done = ft.run("compress", model, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    return ft.files_of(out)


@pytest.mark.parametrize("amount", [AMOUNT, ("--bits", 5), ("--max-error", 0.4, "--method", "svd")])
def test_the_output_has_the_bytes_of_one_process(amount: tuple[object, ...], cluster: Any, model: Path) -> None:
    options = ("--all", "--text", "none", *amount)
    expected = of_one_process(model, *options, "--json", model.parent / "alone.json")
    out = model.with_name("out")
    done = ft.run("compress", model, "-o", out, *options, "--json", model.parent / "ray.json", "--ray", cluster.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.TABLE in done.stdout
    assert ft.files_of(out) == expected
    assert not model.with_name("out.partial").exists()
    reports = [json.loads((model.parent / name).read_text()) for name in ("alone.json", "ray.json")]
    for report in reports:
        report["totals"].pop("seconds")
        for tensor in report["tensors"]:
            tensor.pop("seconds")
    assert reports[0] == reports[1]


def test_another_seed_gives_other_bytes(cluster: Any, model: Path) -> None:
    options = ("--all", "--text", "none", "--method", "codes", "--bits", 3)
    expected = of_one_process(model, *options)
    out = model.with_name("out")
    assert ft.run("compress", model, "-o", out, *options, "--seed", 1, "--ray", cluster.address).returncode == 0
    assert ft.files_of(out) != expected


def test_layers_are_coded_from_the_moments_of_one_calibration(cluster: Any, tmp_path: Path) -> None:
    model, moments = bert_folder(tmp_path / "model"), tmp_path / "moments"
    text = write_text(tmp_path / "text.txt")
    assert ft.run("calibrate", model, "--activations", "--text", text, "-o", moments, "--quiet").returncode == 0
    options = ("--all", "--bits", 4, "--moments", moments, "--quiet")
    expected = of_one_process(model, *options)
    done = ft.run("compress", model, "-o", tmp_path / "out", *options, "--ray", cluster.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.files_of(tmp_path / "out") == expected


def test_the_verb_uses_the_connection_of_the_caller_and_relative_paths(
    cluster: Any, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    shares: list[float] = []
    ray.init(cluster.address, log_to_driver=False)
    try:
        report = loewner.compress(
            "model", "out", keep=0.5, ray="auto", progress=lambda what, share: shares.append(share)
        )
        assert ray.is_initialized()
    finally:
        ray.shutdown()
    assert [tensor.name for tensor in report.tensors] == [ft.TABLE]
    assert shares == sorted(shares) and shares[-1] == 1
    assert ft.files_of(Path("out")) == of_one_process(Path("model"), "--keep", 0.5, "--text", "none")


def test_an_output_that_is_complete_is_resumed_without_tasks(cluster: Any, model: Path) -> None:
    command = ft.compress_all(model, model.with_name("out"), *AMOUNT, "--ray", cluster.address, "--resume")
    assert ft.run(*command).returncode == 0
    files = ft.files_of(model.with_name("out"))
    assert ft.run(*command).returncode == 0
    assert ft.files_of(model.with_name("out")) == files


def test_overwrite_encodes_again(cluster: Any, model: Path, tmp_path: Path) -> None:
    out, report = model.with_name("out"), tmp_path / "report.json"
    command = ft.compress_all(model, out, *AMOUNT, "--ray", cluster.address)
    assert ft.run(*command).returncode == 0
    files = ft.files_of(out)
    assert "--overwrite" in ft.refusal(3, *command)
    assert ft.run(*command, "--overwrite", "--json", report).returncode == 0
    assert ft.files_of(out) == files
    assert "already complete" not in report.read_text()


def test_a_budget_that_cannot_be_met_leaves_nothing(cluster: Any, model: Path) -> None:
    out = model.with_name("out")
    options = ("--budget", 2000, "--ray", cluster.address)
    assert "smallest" in ft.refusal(4, *ft.compress_all(model, out, *options), out=out)


@pytest.mark.parametrize("hidden", ["model", "output"])
def test_a_node_that_does_not_see_a_folder_is_named(hidden: str, cluster: Any, model: Path) -> None:
    """The driver alone sees what is mounted in its name space."""
    seen, out = model.parent / "seen", model.parent / "outputs" / "out"
    for folder in (seen, out.parent, model.parent / "elsewhere"):
        folder.mkdir()
    mount = (model, seen) if hidden == "model" else (model.parent / "elsewhere", out.parent)
    words = [*ft.tool(), *ft.compress_all(seen if hidden == "model" else model, out, *AMOUNT), "--ray", cluster.address]
    script = 'mount --bind "$1" "$2" || exit 77; shift 2; "$@"'
    line = ["unshare", "-m", "bash", "-c", script, "-", *map(str, mount), *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode in (1, 77):
        pytest.skip("no name spaces here")
    missing = seen if hidden == "model" else out.with_name("out.partial")
    assert done.returncode == 3, done.stderr
    assert "does not see" in done.stderr and str(missing) in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(out.parent.iterdir())  # the node has made none of its own


def test_a_cluster_that_does_not_answer_is_named(model: Path) -> None:
    out = model.with_name("out")
    for address in ("127.0.0.1:1", "no.such.host.invalid:6379"):
        message = ft.refusal(3, *ft.compress_all(model, out, *AMOUNT, "--ray", address), out=out)
        assert address in message and "ray start --head" in message


@pytest.mark.parametrize("address", ["cluster", "ray://127.0.0.1:10001", "127.0.0.1:x"])
def test_other_addresses_are_refused(address: str, model: Path) -> None:
    out = model.with_name("out")
    message = ft.refusal(2, *ft.compress_all(model, out, *AMOUNT, "--ray", address), out=out)
    assert "auto, local or HOST:PORT" in message and "ray job submit" in message


def test_a_missing_ray_is_named(model: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = command(*ft.compress_all(model, model.with_name("out"), *AMOUNT, "--ray"))
    assert done.returncode == 2
    assert "pip install 'loewner[ray]'" in done.stderr


def test_urls_of_one_process_are_refused(model: Path, command: Command) -> None:
    done = command(*ft.compress_all(model, "memory://bucket/out", *AMOUNT, "--ray"))  # type: ignore[arg-type]
    assert done.returncode == 2
    assert "memory://bucket/out: is seen by one process only" in done.stderr


@pytest.mark.parametrize("lines", ["text.txt", "other.txt"])
def test_a_text_calibrates_once_and_all_tasks_use_its_moments(lines: str, cluster: Any, tmp_path: Path) -> None:
    model, moments = bert_folder(tmp_path / "model"), tmp_path / "moments"
    saved = tmp_path / "saved" / "moments"  # the card names the file
    saved.parent.mkdir()
    text = write_text(tmp_path / "text.txt")
    (tmp_path / "other.txt").write_text("\n".join(text.read_text().splitlines()[:20]))
    assert ft.run("calibrate", model, "--activations", "--text", text, "-o", moments, "--quiet").returncode == 0
    options = ("--all", "--bits", 4, "--quiet")
    expected = of_one_process(model, *options, "--moments", moments)
    files = set(tmp_path.iterdir())
    given = ("--text", tmp_path / lines, "--save-moments", saved, "--ray", cluster.address)
    done = ft.run("compress", model, "-o", tmp_path / "out", *options, *given)
    assert (done.returncode, done.stderr) == (0, "")
    assert (ft.files_of(tmp_path / "out") == expected) == (lines == "text.txt")
    assert (saved.read_bytes() == moments.read_bytes()) == (lines == "text.txt")
    assert set(tmp_path.iterdir()) == files | {tmp_path / "out"}


def test_linear_layers_are_calibrated_by_default_and_tables_alone_on_demand() -> None:
    of_all, of_tables = {"selection": loewner.Selection.all}, {"selection": loewner.Selection.embeddings}
    assert calibrates_on_ray(None, of_all) and calibrates_on_ray("package", of_tables)
    assert not calibrates_on_ray("none", of_all) and not calibrates_on_ray(None, of_tables)
    assert not calibrates_on_ray(None, {**of_all, "moments": "file"})
    assert not calibrates_on_ray(None, {**of_all, "max_error": 0.1})


@contextmanager
def calibration(model: Path, text: Path, if_exists: loewner.IfExists) -> Iterator[Path]:
    """That of a run on Ray, without the tasks."""
    out, given = model.with_name("out"), {"bits": 4, "selection": loewner.Selection.all, "if_exists": if_exists}
    with calibrated(model, out, text, Places(str(model), str(out), ""), given, lambda what, share: None) as file:
        yield Path(file)


def test_moments_stay_for_a_run_that_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, text = bert_folder(tmp_path / "model"), write_text(tmp_path / "text.txt")
    refuse, resume = loewner.IfExists.refuse, loewner.IfExists.resume
    with pytest.raises(KeyboardInterrupt), calibration(model, text, refuse) as file:
        raise KeyboardInterrupt
    kept = file.stat()
    with pytest.raises(OSError, match="a node is lost"), calibration(model, text, resume) as file:
        raise OSError("a node is lost")
    assert file.stat() == kept
    with calibration(model, text, refuse) as file:  # a run that is not resumed measures again
        assert file.stat().st_mtime_ns != kept.st_mtime_ns
    assert not file.parent.exists()
    with pytest.raises(loewner.BudgetError), calibration(model, text, resume) as file:
        raise loewner.BudgetError("no encoding is small enough")
    assert not file.parent.exists()


def test_an_output_that_exists_is_refused_before_the_calibration(tmp_path: Path) -> None:
    model, text = bert_folder(tmp_path / "model"), tmp_path / "no_such_text"
    for name in ("out", "out.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        with pytest.raises(loewner.IoError, match="out"), calibration(model, text, loewner.IfExists.refuse):
            pass
        shutil.rmtree(tmp_path / name)


def test_calibrations_that_cannot_be_are_refused(cluster: Any, model: Path, command: Command) -> None:
    out = model.with_name("out")
    common = ("compress", model, "-o", out, "--bits", 3, "--all", "--ray", cluster.address)
    done = command(*common)
    assert done.returncode == 2 and "text 'none' encodes without a calibration" in done.stderr
    done = command("compress", model, "-o", f"file://{out}", *common[4:], "--text", "package")
    assert done.returncode == 2 and "give moments" in done.stderr
    for given in ({"text": "package", "moments": "file"}, {"save_moments": "file", "text": "none"}):
        with pytest.raises(ValueError, match="moments"):
            loewner.compress(model, out, bits=3, ray=cluster.address, **given)  # type: ignore[arg-type]
    assert {path for path in model.parent.rglob("*") if path.is_file()} == set(model.iterdir())


def test_options_of_other_runs_are_refused(model: Path, command: Command) -> None:
    out = model.with_name("out")
    common = ft.compress_all(model, out, *AMOUNT)
    for options in (("--worker", "0/2"), ("--assemble",), ("--dry-run",)):
        done = command(*common, *options, "--ray")
        assert done.returncode == 2, done
    with pytest.raises(ValueError, match="dry_run cannot be combined with ray"):
        loewner.compress(model, keep=0.5, dry_run=True, ray="")
    with pytest.raises(ValueError, match="ONNX"):
        loewner.compress("model.onnx", "out.onnx", keep=0.5, ray="")


def nodes_of(*resources: dict[str, float]) -> Nodes:
    return Nodes(
        SimpleNamespace(
            nodes=lambda: [{"NodeID": str(i), "Alive": True, "Resources": r} for i, r in enumerate(resources)]
        )
    )


def part(name: str, cost: float, memory: int) -> Any:
    return SimpleNamespace(name=name, cost=cost, memory=memory)


def test_a_task_takes_the_cpus_that_its_memory_would_leave_idle() -> None:
    nodes = nodes_of({"CPU": 8, "memory": 8000 * MIB}, {"memory": 9000 * MIB}, {"CPU": 2, "memory": 4000 * MIB})
    assert nodes.cpus == 10
    assert nodes.needs_of([part("small", 1, 100 * MIB)], None) == Needs(1, 300 * MIB)
    assert nodes.needs_of([part("small", 1, 1), part("large", 1, 5800 * MIB)], None) == Needs(3, 6000 * MIB)
    assert nodes.needs_of([part("small", 1, 100 * MIB)], 4) == Needs(4, 300 * MIB)


def test_a_task_that_no_node_has_room_for_is_named() -> None:
    nodes = nodes_of({"CPU": 2, "memory": 1000 * MIB})
    with pytest.raises(OSError, match=r"table: its task takes .* --max-memory"):
        nodes.needs_of([part("table", 1, 1000 * MIB)], None)
    with pytest.raises(OSError, match="table: its task takes 4 CPUs"):
        nodes.needs_of([part("table", 1, 1)], 4)
    with pytest.raises(OSError, match="no node of the cluster has a CPU"):
        nodes_of({"memory": 1000 * MIB})


def test_small_parts_share_a_task_and_each_part_has_one() -> None:
    parts = [part(str(i), cost, 1) for i, cost in enumerate((9, 5, 2, 1, 1, 1, 1))]
    groups = [[one.name for one in group] for group in _groups(parts, 3)]
    assert groups == [["0"], ["1"], ["2", "3"], ["4", "5", "6"]]
