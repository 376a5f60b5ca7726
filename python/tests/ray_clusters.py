# SPDX-License-Identifier: Apache-2.0
"""Ray clusters of several node processes on this machine."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OBJECTS = 80 << 20  # bytes of shared memory of a node


@contextlib.contextmanager
def ray_cluster(nodes: int = 2) -> Iterator[Any]:
    """A head without CPUs and nodes with one CPU each."""
    from ray.cluster_utils import Cluster

    # By default tasks give way to all other work.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": OBJECTS})
    try:
        add_nodes(cluster, nodes)
        yield cluster
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def add_nodes(cluster: Any, count: int) -> None:
    for _ in range(count):
        cluster.add_node(num_cpus=1, object_store_memory=OBJECTS)
    cluster.wait_for_nodes()


def workers(cluster: Any) -> list[Any]:
    """The nodes beside the head."""
    return [node for node in cluster.list_all_nodes() if node is not cluster.head_node]


def tasks_on(node: Any, out: Path) -> list[int]:
    """The processes on a node that are making parts of an output: they hold its lock."""
    raylet = node.all_processes["raylet"][0].process.pid
    lock = out.with_name(out.name + ".partial") / "lock"
    return [process for process in _children(raylet) if _holds(process, lock)]


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def parts_of(out: Path) -> set[str]:
    """The finished parts of an unfinished output, by number."""
    return {path.name for path in (out.with_name(out.name + ".partial") / "parts").glob("*") if path.name.isdigit()}


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def _holds(process: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        return any(link.readlink() == path for link in Path(f"/proc/{process}/fd").iterdir())
    return False
