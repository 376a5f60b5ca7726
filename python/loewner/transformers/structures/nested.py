# SPDX-License-Identifier: Apache-2.0
"""Matrices stored inside another structure: their arrays carry a prefix."""

from __future__ import annotations

from typing import Any, TypeVar

from loewner.transformers.structures.coded import Coded

Value = TypeVar("Value")


def nested(name: str, arrays: dict[str, Value]) -> dict[str, Value]:
    """Prefix the array names of the nested matrix `name`."""
    return {f"{name}_{array}": value for array, value in arrays.items()}


def nested_shapes(spec: dict[str, Any], name: str, allowed: dict[str, type[Coded]]) -> dict[str, tuple[int, int]]:
    """The array shapes of the nested matrix `name`, whose structure must be one of `allowed`."""
    structure = allowed.get(spec[name]["structure"])
    if structure is None:
        raise ValueError(f"the structure of '{name}' must be {' or '.join(allowed)}, got '{spec[name]['structure']}'")
    return nested(name, structure.array_shapes(spec[name]))
