# SPDX-License-Identifier: Apache-2.0
"""Comparable times: all methods run in one process and take turns; the median counts."""

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


def timed(method: Callable[[], Result]) -> Timed[Result]:
    """One run of a method."""
    start = time.perf_counter()
    result = method()
    return Timed(time.perf_counter() - start, result)


def in_turns(methods: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, Timed[Result]]:
    """The median time of each method over `rounds` rounds, and its result.

    In each round every method runs once, so that a slow phase of the machine affects all of them. A first round warms
    up caches, pages and threads; it gives the results, and its times do not count."""
    results = {name: method() for name, method in methods.items()}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            seconds[name].append(timed(method).seconds)
    return {name: Timed(float(np.median(seconds[name])), results[name]) for name in methods}
