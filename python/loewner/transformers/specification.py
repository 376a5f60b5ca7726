# SPDX-License-Identifier: Apache-2.0
"""Checks of the fields from which a tensor is decoded (docs/format.md)."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from loewner._structures import STRUCTURES

MOST = 2**63 - 1


class Field(NamedTuple):
    """What a field must be."""

    fits: Callable[[Any], bool]
    wanted: str


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def whole(least: int, most: int = MOST) -> Field:
    wanted = f"an integer >= {least}" if most == MOST else f"an integer in [{least}, {most}]"
    return Field(lambda value: _is_whole(value, least, most), wanted)


def one_of(*choices: Any) -> Field:
    names = ", ".join(str(choice) for choice in choices)
    return Field(lambda value: type(value) is type(choices[0]) and value in choices, f"one of {names}")


def _list(fits: Callable[[Any], bool], wanted: str) -> Field:
    return Field(lambda value: isinstance(value, list) and all(map(fits, value)), f"a list of {wanted}")


SIZES = _list(lambda value: _is_whole(value, 0, MOST), "integers >= 0")
FORMAT = one_of("f32", "f16", "bf16")
EXPONENT = whole(-200, 200)
NESTED = Field(lambda value: isinstance(value, dict), "an object")
BOOLEAN = one_of(False, True)
SEED = whole(0, 2**64 - 1)

_ALWAYS = {"rows": whole(0), "cols": whole(0)}
_OPTIONAL = {
    "source_dtype": one_of("F64", "F32", "F16", "BF16"),
    "tied": _list(lambda value: isinstance(value, str), "strings"),
    "shape": SIZES,
    "residual": NESTED,
    "input_rotation_seed": SEED,
}


def require_fields(spec: dict[str, Any]) -> None:
    """Raise ValueError unless the fields of a specification, whose structure is known, have their types and ranges."""
    required = {**_ALWAYS, **STRUCTURES[spec["structure"]].module_class().fields}
    for name, field in {**required, **_OPTIONAL}.items():
        if name not in spec:
            if name in required:
                raise ValueError(f"field '{name}' is missing")
        elif not field.fits(spec[name]):
            raise ValueError(f"field '{name}' must be {field.wanted}, got {spec[name]!r}")
    rows, cols = spec["rows"], spec["cols"]
    sizes = spec.get("shape", [rows, cols])
    if len(sizes) not in (2, 3) or prod(sizes[:-1]) != rows or sizes[-1] != cols:
        raise ValueError(f"field 'shape' must be two or three sizes for {rows} rows of {cols}, got {sizes}")
    for name, field in {**required, **_OPTIONAL}.items():
        if field is NESTED and name in spec and spec[name].get("structure") in STRUCTURES:
            require_fields(spec[name])
