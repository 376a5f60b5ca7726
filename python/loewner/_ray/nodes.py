# SPDX-License-Identifier: Apache-2.0
"""What the nodes of a Ray cluster have, and what tasks take of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loewner import _core

_PROCESS_BYTES = 200 << 20  # of Python and its modules


@dataclass(frozen=True)
class Needs:
    """What a task takes of a node: CPUs, and bytes of memory."""

    cpus: int
    memory: int


class Nodes:
    """The nodes that can run tasks, and what each of them has."""

    def __init__(self, ray: Any) -> None:
        self.resources: dict[str, dict[str, float]] = {
            node["NodeID"]: node["Resources"]
            for node in ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
        }
        if not self.resources:
            raise OSError("--ray: no node of the cluster has a CPU")

    @property
    def cpus(self) -> float:
        return sum(node["CPU"] for node in self.resources.values())

    def require_room(self, needs: Needs, name: str) -> None:
        """Raises OSError unless a node could run a task alone."""
        nodes = self.resources.values()
        if any(needs.cpus <= node["CPU"] and needs.memory <= node.get("memory", 0) for node in nodes):
            return
        most = max(int(node.get("memory", 0)) for node in nodes)
        raise OSError(
            f"{name}: its task takes {needs.cpus} CPUs and {needs.memory >> 20} MiB of memory, but no node of the "
            f"cluster has that (the largest has {most >> 20} MiB); --max-memory and --threads lower it"
        )

    def needs_of(self, parts: Iterable[_core.PartToMake], threads: int | None) -> Needs:
        """Of a task that makes these parts.

        A task that takes the memory of several CPUs takes these CPUs too: they would be idle.
        """
        part = max(parts, key=lambda part: part.memory)
        memory = part.memory + _PROCESS_BYTES
        nodes = self.resources.values()
        roomy = [int(node["CPU"]) for node in nodes if node.get("memory", 0) >= memory]
        of_cpu = max(node.get("memory", 0) / node["CPU"] for node in nodes)
        cpus = threads or (min(math.ceil(memory / of_cpu), max(roomy)) if roomy else 1)
        needs = Needs(cpus, memory)
        self.require_room(needs, part.name)
        return needs
