# SPDX-License-Identifier: Apache-2.0
"""The base of the structures that the C++ core decodes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from loewner.transformers.modules import EncodedMatrix
from loewner.transformers.structures import core_operators


class Coded(EncodedMatrix):
    """A matrix that the C++ core decodes, by single rows or by blocks of rows inside a product."""

    in_bytes = False  # whether products are those of 8-bit integers (docs/design/kernels.md)

    def decode(self) -> Tensor:
        operator = core_operators.decode if _is_traced() else core_operators.decode_now
        return operator(self._arrays(), self.description).to(self.like.device)

    def decode_rows(self, ids: Tensor) -> Tensor:
        operator = core_operators.decode_rows if _is_traced() else core_operators.decode_rows_now
        return operator(ids, self._arrays(), self.description, self.spec["cols"]).to(self.like.device)

    def times_transposed(self, x: Tensor) -> Tensor:
        if self.in_bytes:
            return self._byte_product(x, self.spec["rows"], transposed=True, bias=None)
        if _is_traced():
            product: Tensor = core_operators.product(x, self._arrays(), self.description, self.spec["rows"])
            return product
        return CodedProduct.apply(x, self)  # type: ignore[no-any-return, no-untyped-call]

    def times(self, x: Tensor) -> Tensor:
        if self.in_bytes:
            return self._byte_product(x, self.spec["cols"], transposed=False, bias=None)
        return x @ self.decode().to(x.dtype)

    def plus_bias(self, x: Tensor, bias: Tensor | None, transposed: bool) -> Tensor:
        if not self.in_bytes:
            return super().plus_bias(x, bias, transposed)
        outputs = self.spec["rows" if transposed else "cols"]
        return self._byte_product(self.widened(x), outputs, transposed, bias).to(self.like.dtype)

    def product(self, x: Tensor) -> Tensor:
        """x W^T without gradients. The core decodes W by blocks of rows."""
        return core_operators.product_now(x, self._arrays(), self.description, self.spec["rows"])

    def multiply_in_bytes(self, transposed: bool) -> bool:
        """Multiply in 8-bit integers from now on if that is the better product; whether it is."""
        self.in_bytes = core_operators.multiplies_bytes(self._arrays(), self.description, transposed)
        return self.in_bytes

    def _byte_product(self, x: Tensor, outputs: int, transposed: bool, bias: Tensor | None) -> Tensor:
        is_trained = x.requires_grad or (bias is not None and bias.requires_grad)
        needs_graph = _is_traced() or (is_trained and torch.is_grad_enabled())
        operator = core_operators.byte_product if needs_graph else core_operators.byte_product_now
        return operator(x, self._arrays(), self.description, outputs, transposed, bias)

    def _arrays(self) -> list[Tensor]:
        return [getattr(self, name) for name in self.array_names()]

    def extra_repr(self) -> str:
        return f"{self.spec['rows']}, {self.spec['cols']}, {self.spec['structure']}"


class CodedProduct(torch.autograd.Function):
    """x W^T with a gradient for x and none for the coded W."""

    @staticmethod
    def forward(context: Any, x: Tensor, module: Coded) -> Tensor:
        context.module = module
        return module.product(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient @ context.module.decode().to(gradient.dtype), None


def _is_traced() -> bool:
    """Whether torch records operators. It cannot look into the C++ core, so it is given operators of its own."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None
