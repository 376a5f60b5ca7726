# SPDX-License-Identifier: Apache-2.0
"""The structures of docs/format.md. A new one is one class here and one entry of STRUCTURES."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from loewner.transformers.decoded_on_use import DecodedOnUse
from loewner.transformers.modules import EncodedMatrix


class LowRank(EncodedMatrix):
    """W = left right, left: rows x rank, right: rank x cols."""

    left: nn.Parameter
    right: nn.Parameter

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {"left": (spec["rows"], spec["rank"]), "right": (spec["rank"], spec["cols"])}

    @property
    def weight(self) -> Tensor:
        return DecodedOnUse.of(self, (self.left.shape[0], self.right.shape[1]))

    def decode(self) -> Tensor:
        return self.widened(self.left) @ self.widened(self.right)

    def decode_rows(self, ids: Tensor) -> Tensor:
        padding_idx = getattr(self, "padding_idx", None)  # its row of `left` is not trained, as in nn.Embedding
        return self.widened(functional.embedding(ids, self.left, padding_idx)) @ self.widened(self.right)

    def times_transposed(self, x: Tensor) -> Tensor:
        return functional.linear(functional.linear(x, self.right.to(x.dtype)), self.left.to(x.dtype))

    def times(self, x: Tensor) -> Tensor:
        return (x @ self.left.to(x.dtype)) @ self.right.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.left.shape[0]}, {self.right.shape[1]}, rank={self.left.shape[1]}"


class Dense(EncodedMatrix):
    """W itself, in a number format of its own."""

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


STRUCTURES: dict[str, type[EncodedMatrix]] = {"low_rank": LowRank, "dense": Dense}
