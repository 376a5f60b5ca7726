# SPDX-License-Identifier: Apache-2.0
"""The `weight` of an encoded module: a tensor that is decoded when its values are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

if TYPE_CHECKING:
    from loewner.transformers.modules import EncodedMatrix

_METADATA = {
    Tensor.shape.__get__,  # type: ignore[attr-defined]
    Tensor.dtype.__get__,  # type: ignore[attr-defined]
    Tensor.ndim.__get__,  # type: ignore[attr-defined]
    Tensor.grad.__get__,  # type: ignore[union-attr]
    Tensor.__hash__,
    Tensor.__len__,
    Tensor.size,
    Tensor.stride,
    Tensor.dim,
    Tensor.numel,
    Tensor.nelement,
    Tensor.is_contiguous,
    Tensor.is_floating_point,
    Tensor.element_size,
}
_OF_DEVICE = {Tensor.device.__get__, Tensor.is_meta.__get__, Tensor.is_cuda.__get__, Tensor.is_cpu.__get__}  # type: ignore[attr-defined]
_OF_MEMORY = {Tensor.data_ptr, Tensor.untyped_storage, Tensor.is_shared}
_OF_VALUES = {Tensor.data.__get__, Tensor.detach, torch.detach}  # type: ignore[attr-defined]
_CONVERSIONS = {Tensor.to, Tensor.float, Tensor.double, Tensor.half, Tensor.bfloat16, Tensor.cpu}
_OPERATORS = (
    "add",
    "and",
    "floordiv",
    "lshift",
    "matmul",
    "mod",
    "mul",
    "or",
    "pow",
    "rshift",
    "sub",
    "truediv",
    "xor",
)
_WRITES = {"__set__", "__setitem__", *(f"__i{operator}__" for operator in _OPERATORS)}
_SETS_GRADIENT = {Tensor.requires_grad.__set__, Tensor.requires_grad_}  # type: ignore[attr-defined]


class DecodedOnUse(Tensor):
    """Shape, dtype and device cost nothing; operations that read values decode the matrix first.

    Models read `weight.dtype` in every forward (T5, scaled embeddings); decoding for each read would cost more than the
    encoding saves. Gradients pass through.

    A write makes the layer dense, together with the layers tied to it, and is applied to the dense weight. A write to a
    view of a decoded matrix, such as `weight[5].zero_()`, raises, because it would change a temporary copy. The address
    is that of an array, so that programs that compare addresses see which layers are tied.
    """

    _module: EncodedMatrix
    _is_data: bool  # whether it is `weight.data` or `weight.detach()`
    _is_hf_initialized = True  # otherwise transformers initializes `self.shared.weight` again

    @staticmethod
    def of(module: EncodedMatrix, shape: tuple[int, ...], is_data: bool = False) -> Tensor:
        weight = torch.empty(shape, dtype=module.like.dtype, device="meta").as_subclass(DecodedOnUse)
        weight._module, weight._is_data = module, is_data
        return weight

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        weight = args[0] if args and isinstance(args[0], DecodedOnUse) else None
        if weight is not None and _is_encoded(weight._module):
            if func in _METADATA:
                return super().__torch_function__(func, types, args, kwargs)  # type: ignore[no-untyped-call]
            if func in _OF_DEVICE:
                return func(weight._module.like)
            if func in _OF_MEMORY:
                return func(weight._module.anchor())
            if func in _OF_VALUES:
                return DecodedOnUse.of(weight._module, tuple(weight.shape), is_data=True)
            if func in _CONVERSIONS:
                like = weight._module.like
                if func(like, *args[1:], **kwargs) is like:  # as torch, which returns the tensor itself
                    return weight
            if func is Tensor.requires_grad.__get__:  # type: ignore[attr-defined]
                return not weight._is_data and any(array.requires_grad for array in weight._module.trained_arrays())
            if func in _SETS_GRADIENT and _set_gradient(weight, *args[1:], **kwargs):
                return weight
            if func is Tensor.__deepcopy__:
                return _values(weight).detach().clone()
        for target in _targets(func, args, kwargs):
            if isinstance(target, DecodedOnUse) and _is_encoded(target._module):
                target._module.decode_in_place()
        memory: set[int] = set()
        args, kwargs = tree_map_only(DecodedOnUse, lambda weight: _values(weight, memory), (args, kwargs))
        return _protected(func(*args, **kwargs), memory)


class ReadOnlyView(Tensor):
    """A view of a decoded matrix. Writing to it would change a temporary copy, so it raises."""

    _is_hf_initialized = True  # transformers initializes `embedding.weight[padding_idx]` of some loaded models

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        is_gradient = func in _SETS_GRADIENT or func is Tensor.grad.__set__  # type: ignore[union-attr]
        if not is_gradient and any(isinstance(target, ReadOnlyView) for target in _targets(func, args, kwargs)):
            raise RuntimeError(
                "a view of an encoded weight cannot be written to; write to the weight itself (weight[i] = value) or "
                "call model.dequantize() first"
            )
        memory: set[int] = set()
        args, kwargs = tree_map_only(ReadOnlyView, lambda view: _plain(view, memory), (args, kwargs))
        return _protected(func(*args, **kwargs), memory)


def _is_encoded(module: EncodedMatrix) -> bool:
    return "spec" in module.__dict__


def _targets(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The tensors that an operation writes to."""
    name = getattr(func, "__name__", "")
    is_in_place = name.endswith("_") and not name.endswith("__")
    if args and (is_in_place or name in _WRITES or kwargs.get("inplace") is True):
        yield from tree_leaves(args[0])
    yield from tree_leaves(kwargs.get("out"))


def _set_gradient(weight: DecodedOnUse, requires_grad: bool = True) -> bool:
    """Whether the arrays themselves can be trained or frozen. Codes cannot be trained: their layer becomes dense."""
    arrays = weight._module.trained_arrays()
    for array in arrays:
        array.requires_grad_(requires_grad)
    return bool(arrays) or not requires_grad


def _values(weight: DecodedOnUse, memory: set[int] | None = None) -> Tensor:
    """The decoded matrix; the dense weight if the layer has become dense."""
    module = weight._module
    if not _is_encoded(module):
        dense = cast(Tensor, module.weight)
        return dense.data if weight._is_data else dense
    values = module.decode().to(module.like.dtype)
    if memory is not None and not torch.compiler.is_compiling():
        memory.add(values.untyped_storage().data_ptr())
    return values.detach() if weight._is_data else values


def _plain(view: ReadOnlyView, memory: set[int]) -> Tensor:
    values = view.as_subclass(Tensor)
    memory.add(values.untyped_storage().data_ptr())
    return values


def _protected(result: Any, memory: set[int]) -> Any:
    """The result, read-only where it shares the memory of a decoded matrix."""
    if not memory:
        return result

    def protect(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.__array_interface__["data"][0] in memory:
            value.setflags(write=False)
        elif type(value) is Tensor and value.device.type != "meta" and value.numel() > 0:
            is_view = value.untyped_storage().data_ptr() in memory
            return value.as_subclass(ReadOnlyView) if is_view else value
        return value

    return tree_map_only((Tensor, np.ndarray), protect, result)
