# SPDX-License-Identifier: Apache-2.0
"""Numbers as text, the same in reports, pages and charts."""

from __future__ import annotations


def byte_text(count: float) -> str:
    """1.25 kB, 90.9 MB: three significant digits, 1000 bytes to a kB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def percent(share: float) -> str:
    """12.5 %."""
    return f"{100 * share:.1f} %"
