# SPDX-License-Identifier: Apache-2.0
"""Structure `integers`: groups of entries rounded to equally spaced values."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import EXPONENT, Field, one_of, whole
from loewner.transformers.structures.coded import Coded


class Integers(Coded):
    """Each group of entries is offset + step * integers."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "codes": torch.uint8,
        "steps": torch.float16,
        "offsets": torch.float16,
    }
    fields: ClassVar[dict[str, Field]] = {"bits": one_of(4, 8), "group": whole(1), "scale_exponent": EXPONENT}

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        groups = -(-spec["cols"] // spec["group"])
        row_bytes = -(-spec["cols"] * spec["bits"] // 8)
        shapes = {"steps": (spec["rows"], groups), "offsets": (spec["rows"], groups)}
        return {"codes": (spec["rows"], row_bytes), **shapes}
