# SPDX-License-Identifier: Apache-2.0
"""Tasks on the nodes of a Ray cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loewner import _core
from loewner._ray.nodes import Needs, Nodes
from loewner._ray.tasks import Work, see

Progress = Callable[[str, float], None]
Parts = Sequence[_core.PartToMake]
Task = Callable[[Work, list[int], int], None]

_TASKS_PER_CPU = 16  # small parts are made together, down to this share of what one CPU does
_RETRIES = 10  # of a task whose process or node was lost
_CANCEL_SECONDS = 60.0
_LOOK_SECONDS = 5.0  # between looks at the nodes


@dataclass(frozen=True)
class _Running:
    parts: Parts
    needs: Needs


class Cluster:
    """Runs tasks. threads: CPUs of each task, if the caller chose them."""

    def __init__(self, ray: Any, threads: int | None) -> None:
        self._ray = ray
        self._threads = threads

    def require_seen(self, work: Work) -> None:
        """Raises what a node raises that does not see the folders."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        look = self._ray.remote(see)
        looks = [
            look.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)).remote(work)
            for node in Nodes(self._ray).resources
        ]
        try:
            while looks:
                self._require_done(looks.pop(0), "a look at the folders")
        except BaseException:
            self._cancel(looks)
            raise

    def run(self, task: Task, work: Work, parts: Parts, progress: Progress) -> None:
        """Runs a task for all parts, the most expensive first. Ctrl-C and a failure cancel those that are left."""
        total, done = sum(part.cost for part in parts), 0.0
        running: dict[Any, _Running] = {}
        try:
            self._start(task, work, parts, running)
            for reference in self._ended(running):
                ended = running.pop(reference)
                self._require_done(reference, ended.parts[0].name)
                done += sum(part.cost for part in ended.parts)
                progress(ended.parts[-1].name, done / total)
        except BaseException:
            self._cancel(list(running))
            raise

    def _start(self, task: Task, work: Work, parts: Parts, running: dict[Any, _Running]) -> None:
        nodes = Nodes(self._ray)
        least = sum(part.cost for part in parts) / (_TASKS_PER_CPU * nodes.cpus)
        planned = [_Running(group, nodes.needs_of(group, self._threads)) for group in _groups(parts, least)]
        remote, shared = self._ray.remote(task), self._ray.put(work)
        for one in planned:
            options = {"num_cpus": one.needs.cpus, "memory": one.needs.memory, "max_retries": _RETRIES}
            numbers = [part.number for part in one.parts]
            running[remote.options(**options).remote(shared, numbers, one.needs.cpus)] = one

    def _ended(self, running: dict[Any, _Running]) -> Iterator[Any]:
        """The tasks, as they end. The caller removes them."""
        looked = time.monotonic()
        while running:
            ready, _ = self._ray.wait(list(running), timeout=_LOOK_SECONDS)
            yield from ready
            if time.monotonic() - looked > _LOOK_SECONDS:
                nodes = Nodes(self._ray)
                for one in running.values():
                    nodes.require_room(one.needs, one.parts[0].name)
                looked = time.monotonic()

    def _require_done(self, reference: Any, name: str) -> None:
        """Raises what a task raised, without the traceback of its process."""
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, ModuleNotFoundError) and cause.name == "loewner":
                raise OSError("--ray: a node has no loewner; install the same version on all nodes") from None
            raise (cause if isinstance(cause, Exception) else OSError(f"{name}: {error}")) from None
        except self._ray.exceptions.RayError as error:
            raise OSError(f"{name}: its task was lost: {error}") from error

    def _cancel(self, references: list[Any]) -> None:
        # Waiting tasks first: Ray may abort the program if a task starts while it is cancelled (its issue 54527).
        for reference in reversed(references):
            self._ray.cancel(reference)
        end = time.monotonic() + _CANCEL_SECONDS  # tasks keep what they have finished
        for reference in references:
            with contextlib.suppress(self._ray.exceptions.RayError):  # one that nobody takes would be printed
                self._ray.get(reference, timeout=max(0.0, end - time.monotonic()))


def _groups(parts: Parts, least: float) -> Iterator[Parts]:
    """Parts in their order, small ones together until they cost `least`."""
    group: list[_core.PartToMake] = []
    cost = 0.0
    for part in parts:
        group.append(part)
        cost += part.cost
        if cost >= least:
            yield group
            group, cost = [], 0.0
    if group:
        yield group
