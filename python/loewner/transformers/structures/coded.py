# SPDX-License-Identifier: Apache-2.0
"""The base of the structures that the C++ core decodes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loewner._core import StoredMatrix
from loewner.transformers.decoded_on_use import DecodedOnUse
from loewner.transformers.modules import EncodedMatrix


class Coded(EncodedMatrix):
    """A matrix that the C++ core decodes, by single rows or by blocks of rows inside a product."""

    @property
    def weight(self) -> Tensor:
        return DecodedOnUse.of(self, (self.spec["rows"], self.spec["cols"]))

    def decode(self) -> Tensor:
        return self._from_core(self._core().decode())

    def decode_rows(self, ids: Tensor) -> Tensor:
        rows = self._core().decode_rows(ids.detach().cpu().reshape(-1).long().numpy())
        return self._from_core(rows).reshape(*ids.shape, -1)

    def times_transposed(self, x: Tensor) -> Tensor:
        return CodedProduct.apply(x, self)  # type: ignore[no-any-return, no-untyped-call]

    def times(self, x: Tensor) -> Tensor:
        return x @ self.decode().to(x.dtype)

    def product(self, x: Tensor) -> Tensor:
        """x W^T without gradients. The core decodes W by blocks of rows."""
        rows = x.detach().cpu().reshape(-1, x.shape[-1]).float().contiguous()
        return self._from_core(self._core().apply(rows.numpy())).to(x.dtype).reshape(*x.shape[:-1], -1)

    def _from_core(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self.like.device)

    def _core(self) -> StoredMatrix:
        """The matrix of the core, made at the first use: a checkpoint loads the arrays after the module exists."""
        arrays = {name: getattr(self, name) for name in self.array_names()}
        seen = tuple((array.data_ptr(), array._version, array.device) for array in arrays.values())
        core: tuple[Any, StoredMatrix] | None = self.__dict__.get("_stored_matrix")
        if core is None or core[0] != seen:
            held = {name: array.detach().cpu().to(self.fixed_arrays[name]).numpy() for name, array in arrays.items()}
            core = (seen, StoredMatrix(json.dumps(self.spec), held))
            self.__dict__["_stored_matrix"] = core
        return core[1]

    # The matrix of the core cannot be pickled. A copy makes a new one at its first use.
    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_stored_matrix"}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        make, arguments, _ = super().__reduce_ex__(protocol)
        return make, arguments, self.__getstate__()

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
