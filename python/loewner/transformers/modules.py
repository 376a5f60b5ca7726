# SPDX-License-Identifier: Apache-2.0
"""Modules that hold their matrix in encoded form.

The class of such a module combines three classes: the structure (how arrays form the matrix), the kind (how the module
uses the matrix), and the class chosen by the model's author. The author's `forward` stays in use, for example that of a
scaled embedding:

    encoded_class(LowRank, nn.Embedding)      LowRankEmbedding(LowRank, EncodedEmbedding)
    encoded_class(LowRank, ScaledEmbedding)   LowRankScaledEmbedding(ScaledEmbedding, LowRankEmbedding)

Number types: arrays keep their stored type. Products are computed in the wider of the stored type and the model's type.
Results have the model's type.
"""

from __future__ import annotations

import json
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from loewner.transformers.decoded_on_use import DecodedOnUse
from loewner.transformers.specification import Field

FORMATS = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


class ModelReference:
    """A weak reference from a module to its model. A copy of the model comes with references to the copy."""

    def __init__(self, model: nn.Module | None) -> None:
        self._model = None if model is None else weakref.ref(model)

    def __call__(self) -> nn.Module | None:
        return None if self._model is None else self._model()

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelReference:
        return ModelReference(memo.get(id(self())))

    def __reduce__(self) -> tuple[Any, ...]:
        return ModelReference, (self(),)


class EncodedMatrix(nn.Module):
    """The base of all structures: a module whose matrix W (rows x cols) is held as arrays.

    A structure names its arrays and decodes them. Every array is a parameter of the module, so it is trained and saved
    like any other parameter. Labels and codes cannot be trained; they are parameters without gradient, because
    transformers only ties parameters.
    """

    original: ClassVar[type[nn.Module]]
    structure: ClassVar[type[EncodedMatrix]]
    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {}  # arrays without gradient, with the type of each
    two_factors: ClassVar[tuple[str, str] | None] = None  # arrays (L, R) if W = L R; `loewner refit` fits one of them
    fields: ClassVar[dict[str, Field]] = {}  # of the specification, besides rows and cols
    spec: dict[str, Any]
    description: str  # the specification and the names of the arrays in JSON
    owner: ModelReference = ModelReference(None)  # ties are properties of the model
    like: nn.Parameter  # empty, of the model's dtype. It is the first parameter: `model.dtype` is its dtype.

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        """The arrays and their shapes (docs/format.md)."""
        raise NotImplementedError

    def decode(self) -> Tensor:
        """W."""
        raise NotImplementedError

    def decode_rows(self, ids: Tensor) -> Tensor:
        """The rows W[ids]."""
        raise NotImplementedError

    def times_transposed(self, x: Tensor) -> Tensor:
        """x W^T."""
        raise NotImplementedError

    def times(self, x: Tensor) -> Tensor:
        """x W."""
        raise NotImplementedError

    def plus_bias(self, x: Tensor, bias: Tensor | None, transposed: bool) -> Tensor:
        """x W^T, or x W, plus a bias, in the model's type."""
        product = (self.times_transposed if transposed else self.times)(self.widened(x)).to(self.like.dtype)
        return product if bias is None else product + bias

    def widened(self, array: Tensor) -> Tensor:
        """The array in the wider of its own type and the model's type."""
        return array.to(torch.promote_types(array.dtype, self.like.dtype))

    def array_names(self) -> list[str]:
        return list(self.array_shapes(self.spec))

    def trained_arrays(self) -> list[nn.Parameter]:
        return [getattr(self, name) for name in self.array_names() if name not in self.fixed_arrays]

    def anchor(self) -> nn.Parameter:
        """The array whose address stands for the weight. Tied modules share it."""
        arrays: list[nn.Parameter] = [getattr(self, name) for name in self.array_names()]
        return next((array for array in arrays if array.numel() > 0), arrays[0])

    def decode_in_place(self, dtype: torch.dtype | None = None) -> None:
        """Turn this module and those tied to it into dense modules that share a weight."""
        from loewner.transformers.ties import update_ties

        model, anchor = self.owner(), self.anchor()
        tied = [] if model is None else [m for _, m in encoded_modules(model) if m.anchor() is anchor]
        decode_module(self, dtype or self.like.dtype)
        for module in tied:
            if module is not self:
                decode_module(module, module.like.dtype, cast(nn.Parameter, self.weight))
        if model is not None:
            update_ties(model)

    def __getattr__(self, name: str) -> Any:
        if name == "weight" and "weight" not in self._parameters:
            return DecodedOnUse.of(self, (self.spec["rows"], self.spec["cols"]))
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "weight" and isinstance(value, DecodedOnUse):
            if value._module.anchor() is not self.anchor():
                raise RuntimeError(
                    "an encoded weight cannot be shared with another layer; call model.dequantize() first"
                )
            return
        if name == "weight" and "weight" not in self._parameters:
            _require_lasting_weight(value, sys._getframe(1).f_globals.get("__name__"))
        super().__setattr__(name, value)

    # A new weight makes the module dense. As with any module, modules tied to it keep the old one.
    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        if name != "weight" or "weight" in self._parameters:
            return super().register_parameter(name, param)
        from loewner.transformers.ties import update_ties

        model = self.owner()
        decode_module(self, self.like.dtype, param)
        if model is not None:
            update_ties(model)

    # torch would also convert arrays whose type belongs to the format.
    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        fixed = {name: dtype for name, dtype in self.fixed_arrays.items() if dtype.is_floating_point}
        held = [(name, dtype) for name, dtype in fixed.items() if name in self._parameters]
        for name, _ in held:
            array = getattr(self, name)
            array.data = array.data.view(torch.int16)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, dtype in held:
            array = getattr(self, name)
            array.data = array.data.view(dtype)
        return self

    def current_spec(self) -> dict[str, Any]:
        """The specification with the current type of the arrays, which may differ from the loaded one."""
        if "format" not in self.spec:
            return self.spec
        dtypes = {getattr(self, name).dtype for name in self.array_names() if name not in self.fixed_arrays}
        return {**self.spec, "format": next((name for name, known in FORMATS.items() if known in dtypes), "f32")}

    # `like` belongs to the module, not to the checkpoint.
    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        del destination[prefix + "like"]

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *arguments: Any) -> None:
        if prefix + "weight" in state_dict and "weight" not in self._parameters:  # of a dense model
            self.decode_in_place()
            self._load_from_state_dict(state_dict, prefix, *arguments)
            return
        state_dict = {**state_dict, prefix + "like": self.like.detach()}
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    # Programs that move parameters between devices look for each in the checkpoint, where `like` is not.
    def named_parameters(self, *arguments: Any, **options: Any) -> Iterator[tuple[str, nn.Parameter]]:
        for name, parameter in super().named_parameters(*arguments, **options):
            if parameter is not self.like:
                yield name, parameter

    # The class is created at run time, so pickle cannot find it by name.
    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _new_module, (self.structure, self.original), self.__dict__


def _require_lasting_weight(value: Any, caller: str | None) -> None:
    """A weight for one call cannot be taken back: torch puts the old one into a layer that has become dense."""
    if not isinstance(value, nn.Parameter) or caller == "torch.nn.utils._named_member_accessor":  # of functional_call
        raise TypeError(
            f"the weight of an encoded layer can be replaced for good by a Parameter, got {type(value).__name__}; for "
            "torch.func.functional_call, call model.dequantize() first"
        )


def _shortened(rows: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Rows that are longer than `max_norm` are scaled to it, as torch does (embedding_renorm_)."""
    with torch.no_grad():
        norms = torch.linalg.vector_norm(rows, norm_type, dim=-1, keepdim=True)
        factors = torch.where(norms > max_norm, max_norm / (norms + 1e-7), torch.ones_like(norms))
    return rows * factors


class EncodedEmbedding(nn.Embedding):
    def forward(self, input: Tensor) -> Tensor:
        encoded = cast(EncodedMatrix, self)
        if input.dtype not in (torch.int64, torch.int32):
            raise RuntimeError(f"ids must be int64 or int32, got {input.dtype}")
        rows = encoded.decode_rows(input).to(encoded.like.dtype)
        return rows if self.max_norm is None else _shortened(rows, self.max_norm, self.norm_type)


class EncodedLinear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return cast(EncodedMatrix, self).plus_bias(input, self.bias, transposed=True)


class EncodedConv1D(Conv1D):
    def forward(self, x: Tensor) -> Tensor:
        return cast(EncodedMatrix, self).plus_bias(x, self.bias, transposed=False)


KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Embedding: EncodedEmbedding,
    nn.Linear: EncodedLinear,
    Conv1D: EncodedConv1D,
}


_CLASSES: dict[tuple[type[EncodedMatrix], type[nn.Module]], type[EncodedMatrix]] = {}


def encoded_class(structure: type[EncodedMatrix], original: type[nn.Module]) -> type[EncodedMatrix]:
    """The class of a module of class `original` that holds its matrix in `structure`. Cached."""
    if (structure, original) not in _CLASSES:
        _CLASSES[structure, original] = _make_class(structure, original)
    return _CLASSES[structure, original]


def _make_class(structure: type[EncodedMatrix], original: type[nn.Module]) -> type[EncodedMatrix]:
    base = next((base for base in KINDS if issubclass(original, base)), None)
    if base is None:
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise ValueError(f"an encoded module must be one of {kinds}, got {original.__name__}")
    bases = (structure, KINDS[base]) if original is base else (original, encoded_class(structure, base))
    return type(structure.__name__ + original.__name__, bases, {"original": original, "structure": structure})


def is_encodable(module: nn.Module) -> bool:
    """Whether encode_module can turn the module into an encoded one."""
    return isinstance(module, tuple(KINDS)) and isinstance(module._parameters.get("weight"), Tensor)


def encode_module(module: nn.Module, spec: dict[str, Any], structure: type[EncodedMatrix]) -> None:
    """Turn a module into an encoded one in place, with uninitialized arrays on the device of its weight.

    A new module would not do: a model may refer to a module in several places, and authors set attributes on it.

    Raises
    ------
    ValueError
        If the specification does not fit the module.
    """
    weight = cast(Tensor, module.weight)
    if tuple(weight.shape) != (spec["rows"], spec["cols"]):
        raise ValueError(f"shape must be {spec['rows']} x {spec['cols']}, got a weight of {tuple(weight.shape)}")
    shapes = structure.array_shapes(spec)
    if spec.get("format") not in FORMATS and not shapes.keys() <= structure.fixed_arrays.keys():
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, got '{spec.get('format')}'")
    encoded = encoded_class(structure, type(module))
    device = "cpu" if weight.is_meta else weight.device  # no checkpoint has `like`, so it would stay on meta
    parameters = {"like": nn.Parameter(weight.new_empty(0, device=device), requires_grad=False)}
    for name, shape in shapes.items():
        fixed = structure.fixed_arrays.get(name)
        array = torch.empty(shape, dtype=fixed or FORMATS[spec["format"]], device=weight.device)
        parameters[name] = nn.Parameter(array, requires_grad=fixed is None)
    del module.weight
    module.__class__ = encoded
    module._parameters = {**parameters, **module._parameters}  # `like` first
    module.spec = spec  # type: ignore[assignment]
    module.description = json.dumps({"spec": spec, "arrays": list(shapes)})  # type: ignore[assignment]


@torch.no_grad()
def decode_module(module: EncodedMatrix, dtype: torch.dtype, weight: nn.Parameter | None = None) -> None:
    """Undo encode_module, with the decoded matrix as the weight unless a weight is given."""
    if weight is None:
        trained = module.trained_arrays()
        requires_grad = not trained or any(array.requires_grad for array in trained)
        weight = nn.Parameter(module.decode().to(dtype), requires_grad=requires_grad)
    for name in ["like", *module.array_names()]:
        del module._parameters[name]
    for name in ("spec", "owner", "description", "in_bytes", "_cluster_layout"):
        module.__dict__.pop(name, None)
    module.__class__ = module.original  # type: ignore[assignment]
    module.weight = weight
    if "_old_forward" in module.__dict__:  # accelerate has wrapped the method of the encoded class
        module._old_forward = type(module).forward.__get__(module)


@torch.no_grad()
def decoded_matrix(spec: dict[str, Any], structure: type[EncodedMatrix], arrays: dict[str, Tensor]) -> Tensor:
    """The matrix that arrays encode, in float32 or the wider type of its factors."""
    module = nn.Linear(spec["cols"], spec["rows"], bias=False, device="meta", dtype=torch.float32)
    encode_module(module, spec, structure)
    encoded = cast(EncodedMatrix, module)
    encoded.like = nn.Parameter(torch.empty(0, device=next(iter(arrays.values())).device), requires_grad=False)
    for name, array in arrays.items():
        encoded.register_parameter(name, nn.Parameter(array, requires_grad=False))
    return encoded.decode()


def encoded_modules(model: nn.Module) -> Iterator[tuple[str, EncodedMatrix]]:
    """The encoded modules of a model with their paths."""
    for path, module in model.named_modules():
        if isinstance(module, EncodedMatrix):
            yield path, module


def _new_module(structure: type[EncodedMatrix], original: type[nn.Module]) -> EncodedMatrix:
    encoded = encoded_class(structure, original)
    return encoded.__new__(encoded)
