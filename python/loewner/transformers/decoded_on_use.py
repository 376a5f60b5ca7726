# SPDX-License-Identifier: Apache-2.0
"""The `weight` of an encoded module: a tensor that is decoded when its values are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

if TYPE_CHECKING:
    from loewner.transformers.modules import EncodedMatrix

_METADATA = {
    Tensor.shape.__get__,  # type: ignore[attr-defined]
    Tensor.dtype.__get__,  # type: ignore[attr-defined]
    Tensor.ndim.__get__,  # type: ignore[attr-defined]
    Tensor.size,
    Tensor.dim,
    Tensor.numel,
    Tensor.is_floating_point,
    Tensor.element_size,
}


class DecodedOnUse(Tensor):
    """Shape, dtype and device cost nothing; any other operation decodes the matrix first. Gradients pass through.

    Models read `weight.dtype` in every forward (T5, scaled embeddings); decoding for each read would cost more than the
    encoding saves. In-place operations raise, because they would change a temporary copy.
    """

    _module: EncodedMatrix
    _is_hf_initialized = True  # otherwise transformers initializes `self.shared.weight` again

    @staticmethod
    def of(module: EncodedMatrix, shape: tuple[int, int]) -> Tensor:
        weight = torch.empty(shape, dtype=module.like.dtype, device="meta").as_subclass(DecodedOnUse)
        weight._module = module
        return weight

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _METADATA:
            return super().__torch_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]
        if func is Tensor.device.__get__:
            return args[0]._module.like.device
        name = getattr(func, "__name__", "")
        if name.endswith("_") and not name.endswith("__"):
            raise RuntimeError("an encoded weight cannot be written to; call model.dequantize() first")
        args, kwargs = tree_map_only(DecodedOnUse, _decoded, (args, kwargs or {}))
        return func(*args, **kwargs)


def _decoded(weight: DecodedOnUse) -> Tensor:
    return weight._module.decode().to(weight._module.like.dtype)
