# SPDX-License-Identifier: Apache-2.0
"""Map tensor names of a checkpoint to module paths of a model: prefixes and the renamings of transformers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import (
    WeightConverter,
    WeightRenaming,
    dot_natural_key,
    rename_source_key,
    revert_weight_conversion,
)
from transformers.modeling_utils import remove_tied_weights_from_state_dict

from loewner._weight_files import tensor_names
from loewner.transformers.claimed_tensors import Place
from loewner.transformers.given_options import given_options


class CheckpointNames:
    """Renames tensors with the functions that transformers itself uses while loading."""

    def __init__(self, model: PreTrainedModel, files: list[str] | None, encoded: Iterable[str]) -> None:
        """`model` must not have encoded modules yet. `files` of the checkpoint; None if the caller gave its state.

        `encoded` are the names of encoded tensors. They are renamed together with those of the checkpoint, in the order
        of the loader, because some renamings of transformers depend on the names that came before.
        """
        given = given_options()
        conversions = get_model_conversion_mapping(model, given.key_mapping)
        self._renamings = [entry for entry in conversions if isinstance(entry, WeightRenaming)]
        self._converters = [entry for entry in conversions if isinstance(entry, WeightConverter)]
        self._model = model
        self._state = model.state_dict()
        from_files = {name for file in files or [] for name in tensor_names(file)}
        self._names = from_files if given.state_names is None else given.state_names
        self._places = {name: self._rename(name) for name in sorted({*self._names, *encoded}, key=dot_natural_key)}
        self.stored = {self._places[name][0] for name in self._names}

    def place(self, tensor: str) -> Place | None:
        """Where transformers puts a dense tensor; None if the model has no such parameter."""
        parameter, pattern = self._places[tensor]
        return Place(parameter, pattern) if parameter in self._state else None

    def dense_places(self) -> dict[str, Place]:
        """The places of all tensors that the checkpoint stores under the name of a dense tensor."""
        places = {name: self.place(name) for name in sorted(self._names)}
        return {name: place for name, place in places.items() if place is not None}

    def require_arrays(self, tensor: str, arrays: list[str]) -> None:
        """Raise ValueError if an array of an encoded tensor is missing. Loading would leave it uninitialized."""
        missing = [array for array in arrays if array not in self._names]
        if missing:
            raise ValueError(f"tensor '{tensor}': array '{missing[0]}' is not in the checkpoint")

    def _rename(self, name: str) -> tuple[str, str | None]:
        prefix = self._model.base_model_prefix
        renamed: tuple[str, str | None] = rename_source_key(
            name, self._renamings, self._converters, prefix, self._state
        )
        if renamed[0] not in self._state and name in self._state:  # as the loader does
            renamed = rename_source_key(name, [], [], prefix, self._state)
        return renamed


def saved_names(
    model: PreTrainedModel, parameters: list[str], state: dict[str, Tensor] | None = None
) -> dict[str, str]:
    """The names under which save_pretrained writes parameters. It leaves out parameters tied to others.

    `state` is the state to save, by default that of the model.
    """
    state = remove_tied_weights_from_state_dict(dict(model.state_dict() if state is None else state), model)
    # All names are reverted together, because some renamings depend on the names that came before.
    stand_ins = {name: torch.empty_like(tensor, device="meta") for name, tensor in state.items()}
    reverted = {id(tensor): name for name, tensor in revert_weight_conversion(model, stand_ins).items()}
    return {parameter: reverted[id(stand_ins[parameter])] for parameter in parameters if parameter in stand_ins}
