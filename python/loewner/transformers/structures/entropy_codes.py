# SPDX-License-Identifier: Apache-2.0
"""Structure `entropy_codes`: rows of entropy-coded integers."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import EXPONENT, Field, whole
from loewner.transformers.structures.coded import Coded


class EntropyCodes(Coded):
    """Row i is s_i n_i: a step and integers, coded in streams of a few rows."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "codes": torch.uint8,
        "lengths": torch.uint8,
        "col_scales": torch.uint8,
    }
    fields: ClassVar[dict[str, Field]] = {
        "rows_of_stream": whole(1),
        "scale_exponent": EXPONENT,
        "code_bytes": whole(0),
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        streams = -(-spec["rows"] // spec["rows_of_stream"])
        return {"codes": (spec["code_bytes"], 1), "lengths": (streams, 2), "col_scales": (spec["cols"], 1)}
