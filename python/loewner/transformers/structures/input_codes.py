# SPDX-License-Identifier: Apache-2.0
"""Structure `input_codes`: a linear layer with one coded vector for each input."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from loewner.transformers.specification import NESTED, Field, one_of
from loewner.transformers.structures.coded import Coded
from loewner.transformers.structures.codes import Codes
from loewner.transformers.structures.nested import nested, nested_shapes


class InputCodes(Coded):
    """W^T, or W if its rows are the inputs, is R^T C: a rotation R of the inputs and codes C (inputs x outputs)."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = nested("codes", Codes.fixed_arrays)
    fields: ClassVar[dict[str, Field]] = {"inputs": one_of("cols", "rows"), "codes": NESTED}

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return nested_shapes(spec, "codes", {"codes": Codes})
