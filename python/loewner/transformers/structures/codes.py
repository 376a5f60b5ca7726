# SPDX-License-Identifier: Apache-2.0
"""Structure `codes`: rotated rows, quantized to 0 to 8 bits an entry."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import BOOLEAN, EXPONENT, SEED, Field, whole
from loewner.transformers.structures.coded import Coded


class Codes(Coded):
    """Row i is s_i R^-1 q_i: scale s_i, rotation R, quantized entries q_i of 0 to 8 bits."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "codes": torch.uint8,
        "bits": torch.uint8,
        "scales": torch.float16,
        "shared": torch.float16,
    }
    fields: ClassVar[dict[str, Field]] = {
        "rotation_seed": SEED,
        "scale_exponent": EXPONENT,
        "code_bytes": whole(0),
        "has_shared": BOOLEAN,
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        shapes = {"codes": (spec["code_bytes"], 1), "bits": ((spec["rows"] + 1) // 2, 1), "scales": (spec["rows"], 1)}
        return {**shapes, "shared": (spec["cols"], 1)} if spec["has_shared"] else shapes
