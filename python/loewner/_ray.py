# SPDX-License-Identifier: Apache-2.0
"""Compression on a Ray cluster: one task for each large part, or for some small ones; the driver publishes the output.

The tasks are workers of one run, like those of `--worker` (include/loewner/compress/workers.hpp). Parts that a lost
worker, node or driver has finished are kept, so the same call goes on from there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from loewner import _core

Progress = Callable[[str, float], None]
_NEEDS_RAY = "--ray needs Ray: pip install 'loewner[ray]'"
_PLANNING, _ENCODING = 0.2, 0.6  # shares of the progress bar
_TASKS_PER_SLOT = 16  # small parts are made together, down to this share of what one slot does
_RETRIES = 10  # of a task whose worker or node was lost
_CANCEL_SECONDS = 30.0


def compress_on_ray(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    address: str,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The report of `_core.compress`, with parts made by tasks.

    address: of the cluster, as ray.init takes it; "" for RAY_ADDRESS, a cluster of this machine, or a new one. threads:
    CPUs of each task; by default one, and more for parts that need more memory than a CPU's share of its node.
    """
    folders = os.path.abspath(_folder(model)), os.path.abspath(_folder(output))
    try:
        import ray
    except ImportError as error:
        raise ImportError(_NEEDS_RAY) from error
    show = progress or (lambda what, share: None)
    options = {
        name: os.path.abspath(value) if name == "moments" and value else value for name, value in options.items()
    }
    parts = _core.parts_to_make(*folders, missing_only=True, **options)
    if parts:
        starts = not ray.is_initialized()
        if starts:
            _connect(ray, address)
        try:
            cluster = _Cluster(ray, threads)
            survey = [part for part in parts if not part.planned]
            cluster.run(_survey, folders, options, survey, lambda what, share: show(what, _PLANNING * share))
            cluster.run(_make, folders, options, parts, lambda what, share: show(what, _PLANNING + _ENCODING * share))
        finally:
            if starts:
                ray.shutdown()
    start = _PLANNING + _ENCODING
    report: dict[str, Any] = _core.assemble_parts(
        *folders, progress=lambda what, share: show(what, start + (1 - start) * share), **options
    )
    return report


def _folder(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if "://" in text:
        raise ValueError(
            f"{text}: is a URL; model and output must be folders at the same path on all nodes (NFS, Lustre, a mounted "
            "bucket)"
        )
    return text


def _connect(ray: Any, address: str) -> None:
    if address not in ("", "auto", "local") and ":" not in address:
        raise ValueError(
            f"--ray takes auto, local, HOST:PORT or ray://HOST:PORT, got '{address}'; write MODEL before it"
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send them over the network
    try:
        ray.init(address=address or None, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        raise OSError(f"--ray {address}: no cluster answers: {error}") from error


class _Cluster:
    """The nodes that run tasks."""

    def __init__(self, ray: Any, threads: int | None) -> None:
        self._ray = ray
        self._threads = threads
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not nodes:
            raise OSError("--ray: no node of the cluster has a CPU")
        self._most_cpus = int(max(node["CPU"] for node in nodes))
        self._most_memory = max(node.get("memory", 0) for node in nodes)
        self._memory_of_cpu = min(node.get("memory", 0) / node["CPU"] for node in nodes)
        self._slots = int(sum(node["CPU"] for node in nodes)) // (threads or 1)

    def run(
        self,
        work: Callable[..., None],
        folders: tuple[str, str],
        options: dict[str, Any],
        parts: Sequence[_core.PartToMake],
        progress: Progress,
    ) -> None:
        """Runs work on all parts, the most expensive first. Ctrl-C and a failure cancel what is left."""
        total = sum(part.cost for part in parts)
        done = 0.0
        task = self._ray.remote(work)
        waiting = {}
        for group in _groups(parts, total / max(1, _TASKS_PER_SLOT * self._slots)):
            cpus, memory = self._needs(group)
            remote = task.options(num_cpus=cpus, memory=memory, max_retries=_RETRIES, retry_exceptions=False)
            numbers = [part.number for part in group]
            waiting[remote.remote(*folders, _portable(options), numbers, cpus)] = group
        try:
            while waiting:
                ready, _ = self._ray.wait(list(waiting), timeout=0.5)
                for reference in ready:
                    group = waiting.pop(reference)
                    self._ray.get(reference)
                    done += sum(part.cost for part in group)
                    progress(group[-1].name, done / total)
        except BaseException as error:
            self._cancel(list(waiting))
            cause = getattr(error, "cause", None)
            if isinstance(cause, Exception):  # what a task raised, without the traceback of its process
                raise cause from None
            raise

    def _needs(self, group: Sequence[_core.PartToMake]) -> tuple[int, int]:
        """CPUs and memory of a task."""
        part = max(group, key=lambda part: part.memory)
        if part.memory > self._most_memory:
            raise OSError(
                f"{part.name}: its encoding needs about {part.memory >> 20} MiB of memory, no node of the cluster has "
                f"more than {int(self._most_memory) >> 20} MiB; --max-memory lowers the need"
            )
        cpus = self._threads or math.ceil(part.memory / self._memory_of_cpu)
        return max(1, min(cpus, self._most_cpus)), part.memory

    def _cancel(self, references: list[Any]) -> None:
        for reference in references:
            self._ray.cancel(reference)
        if references:  # running tasks save what they have finished
            self._ray.wait(references, num_returns=len(references), timeout=_CANCEL_SECONDS)


def _groups(parts: Sequence[_core.PartToMake], least: float) -> Iterator[list[_core.PartToMake]]:
    """Parts in their order, small ones together until they cost `least`."""
    group: list[_core.PartToMake] = []
    for part in parts:
        group.append(part)
        if sum(part.cost for part in group) >= least:
            yield group
            group = []
    if group:
        yield group


_ENUMS = {
    "selection": _core.Selection,
    "method": _core.Method,
    "factor_format": _core.NumberFormat,
    "if_exists": _core.IfExists,
}


def _portable(options: dict[str, Any]) -> dict[str, Any]:
    """Options that another process can read: names instead of members of enumerations."""
    return {name: value.name if name in _ENUMS else value for name, value in options.items()}


def _options_from(portable: dict[str, Any], cpus: int) -> dict[str, Any]:
    _core.set_num_threads(cpus)
    return {name: _ENUMS[name][value] if name in _ENUMS else value for name, value in portable.items()}


def _survey(model: str, output: str, options: dict[str, Any], tensors: list[int], cpus: int) -> None:
    _core.survey_parts(model, output, tensors=tensors, **_options_from(options, cpus))


def _make(model: str, output: str, options: dict[str, Any], tensors: list[int], cpus: int) -> None:
    _core.make_parts(model, output, tensors=tensors, **_options_from(options, cpus))
