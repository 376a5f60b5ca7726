# SPDX-License-Identifier: Apache-2.0
"""Axes of charts: positions of values, and ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MOST_TICKS = 6


def plain(value: float) -> str:
    return f"{value:g}" if abs(value) < 1000 else f"{value:,.0f}"


@dataclass(frozen=True)
class Scale:
    """An axis from low to high, linear or logarithmic."""

    label: str
    low: float
    high: float
    log: bool = False
    text: Callable[[float], str] = plain

    @staticmethod
    def around(
        label: str, values: Iterable[float], *, log: bool = False, text: Callable[[float], str] = plain
    ) -> Scale:
        """An axis for these values. A logarithmic one ignores values that are not positive."""
        usable = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
        low, high = min(usable, default=1.0), max(usable, default=1.0)
        if log:
            return Scale(label, low / 1.15, high * 1.15, True, text)
        return Scale(label, min(low, 0.0), high * 1.03 or 1.0, False, text)

    def place(self, value: float) -> float:
        """The position of a value: 0 at the low end, 1 at the high end."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def shows(self, value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not self.log)

    def ticks(self) -> list[float]:
        return self._log_ticks() if self.log else self._linear_ticks(self.low, self.high)

    def _linear_ticks(self, low: float, high: float) -> list[float]:
        step = next(step for step in _round_steps(high - low) if (high - low) / step <= MOST_TICKS)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def _log_ticks(self) -> list[float]:
        """Ticks of the finest ruler with at most MOST_TICKS of them; linear ticks if the axis is short."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for parts, every in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 5)):
            marks = [float(f"{part}e{k}") for k in decades if k % every == 0 for part in parts]
            inside = [mark for mark in marks if self.low <= mark <= self.high]
            if len(inside) <= MOST_TICKS:
                break
        return inside if len(inside) > 2 else self._linear_ticks(self.low, self.high)


def _round_steps(span: float) -> Iterable[float]:
    decade = math.floor(math.log10(span)) - 1
    return (float(f"{part}e{k}") for k in range(decade, decade + 3) for part in (1, 2, 5))
