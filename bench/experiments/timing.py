# SPDX-License-Identifier: Apache-2.0
"""Comparable times: all methods run in one process and take turns; the median counts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import loewner
import numpy as np
import threadpoolctl

THREADS = 2
Result = TypeVar("Result")


@dataclass(frozen=True)
class Timed(Generic[Result]):
    seconds: float
    result: Result


@contextmanager
def limited_threads() -> Iterator[None]:
    """Runs loewner, BLAS and OpenMP, and torch if it is imported, on THREADS threads."""
    loewner.set_num_threads(THREADS)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(THREADS)
    with threadpoolctl.threadpool_limits(THREADS):
        yield


def timed(method: Callable[[], Result]) -> Timed[Result]:
    """One run of a method."""
    start = time.perf_counter()
    result = method()
    return Timed(time.perf_counter() - start, result)


def in_turns(
    methods: Mapping[str, Callable[[], Result]], rounds: int, warms_up: bool = True
) -> dict[str, Timed[Result]]:
    """The median time of each method over `rounds` rounds, and its first result.

    In each round every method runs once, so that a slow phase of the machine affects all of them. warms_up: a first
    round, whose times do not count, fills caches, pages and threads."""
    results: dict[str, Result] = {}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + warms_up):
        for name, method in methods.items():
            run = timed(method)
            results.setdefault(name, run.result)
            if number >= warms_up:
                seconds[name].append(run.seconds)
    return {name: Timed(float(np.median(seconds[name])), results[name]) for name in methods}
