# SPDX-License-Identifier: Apache-2.0
"""Labels and codes as parameters: transformers ties and saves them, and no optimizer trains them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.autograd.graph import increment_version


class FrozenArray(nn.Parameter):
    """Labels and codes: parameters that cannot be trained, also if all parameters of a model are asked to be.

    What was computed from such an array is kept until its version changes. Unlike that of other tensors, its `data`
    shares the version, so that writes through it count.
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> FrozenArray:
        return super().__new__(cls, data, False)

    def requires_grad_(self, requires_grad: bool = True) -> FrozenArray:
        return self

    @property
    def requires_grad(self) -> bool:
        return False

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        pass

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        Tensor.data.__set__(self, value)  # type: ignore[attr-defined]
        increment_version(self)

    # torch would make it an ordinary parameter.
    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return FrozenArray, (self.detach(),)
