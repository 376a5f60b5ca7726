# SPDX-License-Identifier: Apache-2.0
"""Structure `product`: a product of two coded factors."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import NESTED, Field, whole
from loewner.transformers.structures.coded import Coded
from loewner.transformers.structures.codes import Codes
from loewner.transformers.structures.entropy_codes import EntropyCodes
from loewner.transformers.structures.integers import Integers
from loewner.transformers.structures.joined_codes import JoinedCodes
from loewner.transformers.structures.nested import nested, nested_shapes


class Product(Coded):
    """W = left right: coordinates times directions, both coded."""

    factors: ClassVar[dict[str, type[Coded]]] = {
        "codes": Codes,
        "joined_codes": JoinedCodes,
        "entropy_codes": EntropyCodes,
        "integers": Integers,
    }
    fields: ClassVar[dict[str, Field]] = {"rank": whole(1), "left": NESTED, "right": NESTED}
    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        name: dtype
        for side in ("left", "right")
        for factor in (Codes, JoinedCodes, EntropyCodes, Integers)
        for name, dtype in nested(side, factor.fixed_arrays).items()
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {**nested_shapes(spec, "left", Product.factors), **nested_shapes(spec, "right", Product.factors)}
