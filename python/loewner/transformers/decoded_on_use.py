# SPDX-License-Identifier: Apache-2.0
"""The `weight` of an encoded module: a tensor that is decoded when its values are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, cast

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
_OF_MEMORY = {Tensor.data_ptr, Tensor.is_shared}
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

_DECODE_FIRST = "call model.dequantize() first"


class AddressOnly:
    """Stands for the storage of an encoded weight. It tells which layers are tied; its bytes are not those of W."""

    def __init__(self, array: Tensor) -> None:
        storage = array.untyped_storage()
        self.device = storage.device
        self.data_ptr, self.nbytes = storage.data_ptr, storage.nbytes

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"the storage of an encoded weight has no '{name}'; {_DECODE_FIRST}")


class DecodedOnUse(Tensor):
    """Shape, dtype and device cost nothing; operations that read values decode the matrix first.

    Models read `weight.dtype` in every forward (T5, scaled embeddings); decoding for each read would cost more than the
    encoding saves. Gradients pass through.

    A write makes the layer dense, together with the layers tied to it, and is applied to the dense weight. A write to a
    view of a decoded matrix, such as `weight[5].zero_()`, raises, because it would change a temporary copy; arrays of
    numpy are read-only for the same reason, and other ways to its memory are refused. The address is that of an array,
    so that programs that compare addresses see which layers are tied.
    """

    _module: EncodedMatrix
    _is_data: bool  # whether it is `weight.data` or `weight.detach()`
    _is_hf_initialized = True  # otherwise transformers initializes `self.shared.weight` again

    @staticmethod
    def of(module: EncodedMatrix, shape: tuple[int, ...], is_data: bool = False) -> Tensor:
        weight = torch.empty(shape, dtype=module.like.dtype, device="meta").as_subclass(DecodedOnUse)
        weight._module, weight._is_data = module, is_data
        return weight

    # torch hands these three methods to no __torch_function__, so they would see the empty tensor.
    def set_(self, *args: Any, **kwargs: Any) -> Tensor:
        return cast(Tensor, self.__torch_function__(Tensor.set_, (), (self, *args), kwargs))

    def as_subclass(self, cls: Any) -> Any:
        return self.__torch_function__(Tensor.as_subclass, (), (self, cls))

    def _use_count(self) -> NoReturn:  # torch.utils.swap_tensors asks for it
        raise RuntimeError(f"an encoded weight cannot be swapped; {_DECODE_FIRST}")

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
            if func is Tensor.untyped_storage:
                return AddressOnly(weight._module.anchor())
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
        memory = Temporaries()
        args, kwargs = tree_map_only(DecodedOnUse, lambda weight: _values(weight, memory), (args, kwargs))
        return memory.protected(func, args, kwargs)


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
                f"{_DECODE_FIRST}"
            )
        memory = Temporaries()
        args, kwargs = tree_map_only(
            ReadOnlyView, lambda view: memory.add(Tensor.as_subclass(view, Tensor)), (args, kwargs)
        )
        return memory.protected(func, args, kwargs)


class Temporaries:
    """The decoded matrices that an operation reads. What is written to their memory is lost, so writes raise."""

    def __init__(self) -> None:
        self._held: list[tuple[Tensor, int | None]] = []  # with the version, which each write in place raises

    def add(self, values: Tensor) -> Tensor:
        self._held.append((values, None if values.is_inference() else values._version))
        return values

    def protected(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of the operation, read-only where it shares memory with a decoded matrix."""
        if not self._held:
            return func(*args, **kwargs)
        self._refuse_access_to_memory(func, kwargs)
        if func is Tensor.untyped_storage:
            return AddressOnly(args[0])
        result = func(*args, **kwargs)
        if any(version is not None and values._version != version for values, version in self._held):
            raise RuntimeError(f"{func} wrote to the temporary copy of an encoded weight; {_DECODE_FIRST}")
        return tree_map_only((Tensor, np.ndarray), self._protect, result)

    def _refuse_access_to_memory(self, func: Callable[..., Any], kwargs: dict[str, Any]) -> None:
        if func is Tensor.storage:
            raise RuntimeError(f"an encoded weight has no storage; {_DECODE_FIRST}")
        if func is Tensor.__dlpack__ and not kwargs.get("copy"):
            raise BufferError("an encoded weight shares no memory; give weight.clone() to from_dlpack, or copy=True")

    def _protect(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            if self._has(value.__array_interface__["data"][0]):
                value.setflags(write=False)
        elif type(value) is Tensor and value.device.type != "meta" and value.numel() > 0:
            return value.as_subclass(ReadOnlyView) if self._has(value.data_ptr()) else value
        return value

    def _has(self, address: int) -> bool:
        storages = (values.untyped_storage() for values, _ in self._held)
        return any(0 <= address - storage.data_ptr() < storage.nbytes() for storage in storages)


def _is_encoded(module: EncodedMatrix) -> bool:
    return "spec" in module.__dict__


def _targets(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The tensors that an operation writes to."""
    name = getattr(func, "__name__", "")
    is_in_place = name.endswith("_") and not name.endswith("__")
    if args and (is_in_place or name in _WRITES or kwargs.get("inplace") is True):
        yield from tree_leaves(args[0])
    yield from tree_leaves(kwargs.get("out"))
    if kwargs.get("max_norm") is not None:  # of `embedding` and `embedding_bag`, which shorten rows in place
        yield args[1]
    schema = getattr(func, "_schema", None)  # of an operator, whose name ends with that of its overload
    for i, argument in enumerate(schema.arguments if schema else ()):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield from tree_leaves(args[i] if i < len(args) else kwargs.get(argument.name))


def _set_gradient(weight: DecodedOnUse, requires_grad: bool = True) -> bool:
    """Whether the arrays themselves can be trained or frozen. Codes cannot be trained: their layer becomes dense."""
    arrays = weight._module.trained_arrays()
    for array in arrays:
        array.requires_grad_(requires_grad)
    return bool(arrays) or not requires_grad


def _values(weight: DecodedOnUse, memory: Temporaries | None = None) -> Tensor:
    """The decoded matrix; the dense weight if the layer has become dense."""
    module = weight._module
    if not _is_encoded(module):
        dense = cast(Tensor, module.weight)
        return dense.data if weight._is_data else dense
    values = module.decode().to(module.like.dtype)
    values = values.detach() if weight._is_data else values
    return values if memory is None or torch.compiler.is_compiling() else memory.add(values)
