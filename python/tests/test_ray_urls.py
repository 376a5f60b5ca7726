# SPDX-License-Identifier: Apache-2.0
"""`compress --ray` of URLs on a cluster whose nodes share no folder: file:// stands for an object store, and each node
has a cache of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fault_tools as ft
import pytest
from calibrated_models import bert_folder, write_text
from ray_clusters import OBJECTS, ray_cluster, wait_for

pytest.importorskip("ray")
OPTIONS = ("--all", "--text", "none", "--quiet", "--method", "svd", "--keep", "0.5", "--max-memory", "190MB")


@dataclass(frozen=True)
class Nodes:
    address: str
    caches: list[Path]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    caches = [tmp_path_factory.mktemp(f"node{i}") for i in range(2)]
    with ray_cluster(nodes=0) as cluster:
        for cache in caches:
            cluster.add_node(num_cpus=1, object_store_memory=OBJECTS, env_vars={"LOEWNER_CACHE": str(cache)})
        cluster.wait_for_nodes()
        yield Nodes(cluster.address, caches)


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    ft.write_model(folder / "model", ft.large_tensors(5))
    return folder


def command_on(nodes: Nodes, bucket: Path) -> list[str]:
    urls = ("compress", f"file://{bucket}/model", "-o", f"file://{bucket}/out")
    return [*ft.tool(), *urls, *OPTIONS, "--ray", nodes.address]


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "LOEWNER_CACHE": str(cache)}


def of_one_process(bucket: Path) -> dict[str, bytes]:
    out = bucket.parent / "out"
    done = ft.run("compress", bucket / "model", "-o", out, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return ft.files_of(out)


def test_nodes_without_a_shared_folder_write_the_bytes_of_one_process(nodes: Nodes, bucket: Path) -> None:
    expected = of_one_process(bucket)
    driver = bucket.parent / "driver"
    done = subprocess.run(command_on(nodes, bucket), env=environment(driver), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.files_of(bucket / "out") == expected
    for cache in (driver, *nodes.caches):
        assert len(list(cache.glob("models/*/model/model.safetensors"))) == 1
    left = [path for cache in (driver, *nodes.caches) for path in cache.rglob("*") if "models" not in path.parts]
    assert {path.name for path in left} <= {"outputs"}
    assert not [path for path in (bucket / "out.partial").rglob("*") if path.is_file()]


def test_another_machine_resumes_after_the_loss_of_the_driver(nodes: Nodes, bucket: Path) -> None:
    expected = of_one_process(bucket)
    command, parts = command_on(nodes, bucket), bucket / "out.partial" / "parts"

    def finished() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in parts.glob("[0-9]*/record.json")}

    process = subprocess.Popen(command, env=environment(bucket.parent / "first"))
    wait_for(finished)
    process.kill()
    process.wait()
    time.sleep(1)  # Ray ends the tasks of a lost driver
    before = finished()
    assert before and not (bucket / "out").exists()
    process = subprocess.Popen([*command, "--resume"], env=environment(bucket.parent / "second"))
    while process.poll() is None:
        assert {path: time for path, time in finished().items() if path in before}.items() <= before.items()
        time.sleep(0.02)
    assert process.returncode == 0
    assert ft.files_of(bucket / "out") == expected


def test_nodes_read_moments_from_a_url(nodes: Nodes, tmp_path: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    model, moments = bert_folder(bucket / "model"), bucket / "moments"
    text = write_text(tmp_path / "text.txt")
    assert ft.run("calibrate", model, "--activations", "--text", text, "-o", moments, "--quiet").returncode == 0
    options = ("--all", "--bits", "4", "--quiet", "--moments")
    assert ft.run("compress", model, "-o", tmp_path / "out", *options, moments).returncode == 0
    urls = ("compress", f"file://{model}", "-o", f"file://{bucket}/out")
    command = [*ft.tool(), *urls, *options, f"file://{moments}", "--ray", nodes.address]
    done = subprocess.run(command, env=environment(tmp_path / "driver"), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.files_of(bucket / "out") == ft.files_of(tmp_path / "out")


def test_a_url_of_an_unknown_protocol_is_refused_in_one_line(nodes: Nodes, bucket: Path, tmp_path: Path) -> None:
    command: list[Any] = command_on(nodes, bucket)
    command[2] = "nosuch://bucket/model"
    done = subprocess.run(command, env=environment(tmp_path / "driver"), capture_output=True, text=True)
    assert done.returncode == 2 and "nosuch" in done.stderr and done.stderr.count("\n") == 1
