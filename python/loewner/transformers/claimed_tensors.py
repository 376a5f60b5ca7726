# SPDX-License-Identifier: Apache-2.0
"""How the arrays of encoded tensors reach the parameters of a model while transformers loads a checkpoint.

transformers renames each stored tensor by patterns, and merges or splits some of them: it stacks the experts of a
mixture into one parameter, and splits fused projections. Its patterns know the names of dense tensors. The arrays of an
encoded tensor have other names, so they are claimed before any pattern is tried:

- An array of a module that holds its matrix in encoded form goes to that module.
- Every other encoded tensor is decoded. The dense matrix then takes the way that transformers has for it, together with
  the dense tensors that are merged with it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers.core_model_loading import (
    ConversionOps,
    WeightConverter,
    WeightRenaming,
    WeightTransform,
    apply_converters,
    apply_renamings,
    dot_natural_key,
)

from loewner._structures import STRUCTURES, array_prefix
from loewner.transformers.modules import decoded_matrix

_CLAIM = "loewner claim"  # no pattern of transformers matches it


@dataclass(frozen=True)
class Place:
    """Where transformers puts a dense tensor of the checkpoint."""

    parameter: str  # the first one if the tensor is split
    pattern: str | None = None  # of the converter that merges or splits the tensor; None if it is only renamed


@dataclass(frozen=True)
class Claim:
    """The use of one stored array."""

    place: Place
    tensor: str  # the encoded tensor that the array belongs to; otherwise the stored name itself
    spec: dict[str, Any] | None = None  # of a tensor that is decoded


class Claims(dict[str, Claim]):
    """Claims by the stored name of the array."""

    may_be_on_disk = False  # whether a device map was given

    def keep(self, stored: str, parameter: str) -> None:
        """Load an array of an encoded module as it is."""
        self[stored] = Claim(Place(parameter), stored)

    def decode(self, tensor: str, spec: dict[str, Any], place: Place) -> None:
        """Decode a tensor and load the dense matrix."""
        for array in STRUCTURES[spec["structure"]].module_class().array_shapes(spec):
            self[array_prefix(tensor, spec) + array] = Claim(place, tensor, spec)

    def complete(self, places: dict[str, Place]) -> None:
        """Claim the dense tensors that are merged with decoded ones."""
        merged = {claim.place.parameter for claim in self.values() if claim.place.pattern is not None}
        for stored, place in places.items():
            if place.parameter in merged and stored not in self:
                self[stored] = Claim(place, stored)

    def transforms(self, conversions: list[WeightTransform]) -> list[WeightTransform]:
        """The conversions of transformers, preceded by those of the claimed arrays."""
        if not self:
            return conversions
        for claim in self.values():
            _mark_used(claim.tensor, conversions)
        converters = [entry for entry in conversions if isinstance(entry, WeightConverter)]
        make = _MakeParameter(self, {pattern: entry for entry in converters for pattern in entry.source_patterns})
        return [_Placeholders(self), ClaimedTensors(make), *conversions]


def _mark_used(tensor: str, conversions: list[WeightTransform]) -> None:
    """Let save_pretrained revert the conversions of a claimed tensor. It reverts those that were used."""
    renamings = [entry for entry in conversions if isinstance(entry, WeightRenaming)]
    apply_converters(apply_renamings(tensor, renamings), [e for e in conversions if isinstance(e, WeightConverter)])


class _Placeholders(WeightRenaming):
    """Renames each claimed array to a placeholder, so that no other renaming applies."""

    def __init__(self, claims: Claims) -> None:
        super().__init__(_CLAIM, _CLAIM)
        self._numbers = {stored: number for number, stored in enumerate(claims)}

    def rename_source_key(self, source_key: str) -> tuple[str, str | None]:
        number = self._numbers.get(source_key)
        return source_key if number is None else f"{_CLAIM} {number}", None

    def was_used(self) -> bool:
        return False  # save_pretrained has nothing to revert


class ClaimedTensors(WeightConverter):
    """Collects the claimed arrays. transformers makes a copy for each parameter and adds the arrays to it."""

    def __init__(self, make: _MakeParameter) -> None:
        super().__init__(_CLAIM, _CLAIM, operations=[make])

    def was_used(self) -> bool:
        return False

    def rename_source_key(self, source_key: str) -> tuple[str, str | None]:
        placeholder = re.search(rf"{_CLAIM} (\d+)$", source_key)  # a prefix may have been added
        if placeholder is None:
            return source_key, None
        return self._make().parameters[int(placeholder[1])], _CLAIM

    def add_tensor(self, target_key: str, source_key: str, source_pattern: str, future: Any) -> None:
        super().add_tensor(target_key, source_key, source_key, future)

    def set_dtype(self, dtype: torch.dtype | None) -> None:
        self._make().dtype = dtype

    def _make(self) -> _MakeParameter:
        return cast(_MakeParameter, self.operations[0])  # of a copy: the operation of that copy


class _MakeParameter(ConversionOps):
    """Makes a parameter, or those of one split, from its claimed arrays."""

    def __init__(self, claims: Claims, converters: dict[str, WeightConverter]) -> None:
        self._claims, self._converters = claims, converters
        self.parameters = [claim.place.parameter for claim in claims.values()]
        self.dtype: torch.dtype | None = None

    def __deepcopy__(self, memo: Any) -> _MakeParameter:
        made = object.__new__(_MakeParameter)  # shares the tables: there are as many copies as parameters
        made.__dict__.update(self.__dict__)
        return made

    def convert(  # type: ignore[override]
        self, input_dict: dict[str, list[Tensor]], full_layer_name: str, model: Any, config: Any, **_: Any
    ) -> dict[str, Any]:
        tensors: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for stored, (array,) in input_dict.items():
            tensors[self._claims[stored].tensor][stored] = array
        dense = {tensor: self._dense(arrays) for tensor, arrays in tensors.items()}
        patterns = {self._claims[stored].tensor: self._claims[stored].place.pattern for stored in input_dict}
        if None in patterns.values():
            return dict.fromkeys([full_layer_name, *self._tied_to(full_layer_name, model)], next(iter(dense.values())))
        converter: Any = deepcopy(self._converters[cast(str, next(iter(patterns.values())))])
        for tensor in sorted(dense, key=dot_natural_key):
            converter.add_tensor(full_layer_name, tensor, patterns[tensor], dense[tensor])
        made: dict[str, Any] = converter.convert(full_layer_name, model=model, config=config)
        return made

    def _tied_to(self, parameter: str, model: Any) -> list[str]:
        """The parameters tied to one. accelerate reads each parameter on disk by its own name."""
        if not self._claims.may_be_on_disk:
            return []
        return [target for target, source in model.all_tied_weights_keys.items() if source == parameter]

    def _dense(self, arrays: dict[str, Tensor]) -> Tensor:
        claim = self._claims[next(iter(arrays))]
        if claim.spec is None:
            (matrix,) = arrays.values()
        else:
            named = {stored.rpartition(".")[2]: array for stored, array in arrays.items()}
            matrix = decoded_matrix(claim.spec, STRUCTURES[claim.spec["structure"]].module_class(), named)
            matrix = matrix.reshape(claim.spec.get("shape", matrix.shape))
        return matrix.to(self.dtype) if matrix.is_floating_point() else matrix
