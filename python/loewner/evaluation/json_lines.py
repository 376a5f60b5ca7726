# SPDX-License-Identifier: Apache-2.0
"""Lines of JSON objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def json_objects(
    lines: Iterable[str], path: Path, failure: type[Exception] = ValueError
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The object and the number of each line that is not blank; another line raises `failure`."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise failure(f"{path}: line {number}: must be a JSON object: {error}") from None
        if not isinstance(entry, Mapping):
            raise failure(f"{path}: line {number}: must be a JSON object, got {type(entry).__name__}")
        yield number, entry
