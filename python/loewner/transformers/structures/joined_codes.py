# SPDX-License-Identifier: Apache-2.0
"""Structure `joined_codes`: codes whose bands share one path of the trellis, with scales of one byte."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.structures.codes import Codes


class JoinedCodes(Codes):
    """Row i is s_i R^-1 q_i in bands, with s_i a power of 2^(1/8)."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        name: dtype for name, dtype in Codes.fixed_arrays.items() if name != "scales"
    } | {"log_scales": torch.uint8}

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        shapes = Codes.array_shapes(spec)
        shapes["log_scales"] = shapes.pop("scales")
        return shapes
