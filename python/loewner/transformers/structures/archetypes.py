# SPDX-License-Identifier: Apache-2.0
"""Structure `archetypes`: convex mixtures of a few archetypes, plus a coded residual."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import EXPONENT, Field, whole
from loewner.transformers.structures.coded import Coded
from loewner.transformers.structures.codes import Codes
from loewner.transformers.structures.nested import nested, nested_shapes


class Archetypes(Coded):
    """Row i is a scaled convex mixture of a few archetypes, plus row i of a coded residual."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "archetypes": torch.float16,
        "indices": torch.uint8,
        "weights": torch.uint8,
        "scales": torch.float16,
        **nested("residual", Codes.fixed_arrays),
    }
    fields: ClassVar[dict[str, Field]] = {
        "archetypes": whole(1, 65536),
        "per_row": whole(1, 255),
        "scale_exponent": EXPONENT,
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        index_bytes = 1 if spec["archetypes"] <= 256 else 2
        shapes = {
            "archetypes": (spec["archetypes"], spec["cols"]),
            "indices": (spec["rows"], spec["per_row"] * index_bytes),
            "weights": (spec["rows"], spec["per_row"]),
            "scales": (spec["rows"], 1),
        }
        if "residual" not in spec:
            return shapes
        return {**shapes, **nested_shapes(spec, "residual", {"codes": Codes})}
