# SPDX-License-Identifier: Apache-2.0
"""Times that can be compared: everything in one process, in turns, medians."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timed(Generic[Result]):
    seconds: float
    result: Result


def in_turns(methods: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, Timed[Result]]:
    """The median time of each method over `rounds` rounds of all of them, so that a slow minute hits all, and its
    result. One round before warms up caches, pages and threads and is not counted; the results are from there."""
    results = {name: method() for name, method in methods.items()}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            seconds[name].append(time.perf_counter() - start)
    return {name: Timed(float(np.median(seconds[name])), results[name]) for name in methods}
