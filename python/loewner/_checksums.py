# SPDX-License-Identifier: Apache-2.0
"""The field `checksums` of docs/format.md, for folders that transformers writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from loewner._core import hash64

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def checksum_of_arrays(arrays: Sequence[Bytes]) -> str:
    """The checksum of a tensor: of the bytes of its arrays, which are given in the order of their names."""
    return hash64(list(arrays))


def checksum_of_specification(quantization: dict[str, Any]) -> str:
    """The checksum of a quantization_config, without that field itself."""
    others = {name: value for name, value in quantization["checksums"].items() if name != "specification"}
    text = json.dumps({**quantization, "checksums": others}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hash64([np.frombuffer(text.encode(errors="replace"), np.uint8)])
