# SPDX-License-Identifier: Apache-2.0
"""Structure `low_rank`: a matrix as the product of two factors."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from loewner.transformers.modules import EncodedMatrix
from loewner.transformers.specification import FORMAT, Field, whole


class LowRank(EncodedMatrix):
    """W = left right, left: rows x rank, right: rank x cols."""

    two_factors: ClassVar[tuple[str, str] | None] = ("left", "right")
    fields: ClassVar[dict[str, Field]] = {"rank": whole(1), "format": FORMAT}
    left: nn.Parameter
    right: nn.Parameter

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {"left": (spec["rows"], spec["rank"]), "right": (spec["rank"], spec["cols"])}

    def decode(self) -> Tensor:
        return self.widened(self.left) @ self.widened(self.right)

    def decode_rows(self, ids: Tensor) -> Tensor:
        padding_idx = getattr(self, "padding_idx", None)  # as in nn.Embedding, its row of `left` is not trained
        return self.widened(functional.embedding(ids, self.left, padding_idx)) @ self.widened(self.right)

    def times_transposed(self, x: Tensor) -> Tensor:
        return functional.linear(functional.linear(x, self.right.to(x.dtype)), self.left.to(x.dtype))

    def times(self, x: Tensor) -> Tensor:
        return (x @ self.left.to(x.dtype)) @ self.right.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.left.shape[0]}, {self.right.shape[1]}, rank={self.left.shape[1]}"
