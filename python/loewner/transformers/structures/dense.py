# SPDX-License-Identifier: Apache-2.0
"""Structure `dense`: the matrix itself in a number format of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from loewner.transformers.modules import EncodedMatrix
from loewner.transformers.specification import FORMAT, Field


class Dense(EncodedMatrix):
    """W itself, in a number format of its own."""

    fields: ClassVar[dict[str, Field]] = {"format": FORMAT}
    weight: nn.Parameter

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {"weight": (spec["rows"], spec["cols"])}

    def decode(self) -> Tensor:
        return self.widened(self.weight)

    def decode_rows(self, ids: Tensor) -> Tensor:
        return self.widened(functional.embedding(ids, self.weight, getattr(self, "padding_idx", None)))

    def times_transposed(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.to(x.dtype))

    def times(self, x: Tensor) -> Tensor:
        return x @ self.weight.to(x.dtype)
