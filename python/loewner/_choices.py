# SPDX-License-Identifier: Apache-2.0
"""Choices that are an enum member or its name on the command line."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

Choice = TypeVar("Choice", bound=Enum)


def choice(kind: type[Choice], value: Choice | str, argument: str) -> Choice:
    """The member of `kind` that `value` names: "coded-svd" is Method.coded_svd.

    Raises
    ------
    ValueError
        If no member has this name. The message starts with `argument` ("compress: method").
    """
    if isinstance(value, kind):
        return value
    members = {name.replace("_", "-"): member for name, member in kind.__members__.items()}
    if value not in members:
        raise ValueError(f"{argument} must be one of {', '.join(members)}, got {value!r}")
    return members[str(value)]
