# SPDX-License-Identifier: Apache-2.0
"""Encodings of layers that were decoded while loading. save_pretrained writes those of unchanged layers again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from loewner._checksums import Bytes, checksum_of_arrays
from loewner._structures import STRUCTURES
from loewner.transformers.modules import EncodedMatrix, decode_module, decoded_matrix

_ATTRIBUTE = "kept_encoding"  # of the decoded module


@dataclass
class KeptEncoding:
    """The arrays of a layer, and the type to which it was decoded."""

    spec: dict[str, Any]
    arrays: dict[str, Tensor]
    dtype: torch.dtype

    def encodes(self, weight: Tensor) -> bool:
        """Whether the weight is still the decoded matrix. It may have been converted to another type since."""
        if tuple(weight.shape) != (self.spec["rows"], self.spec["cols"]) or weight.device.type == "meta":
            return False
        structure = STRUCTURES[self.spec["structure"]].module_class()
        decoded = decoded_matrix(self.spec, structure, self.arrays).to(self.dtype)
        return torch.equal(decoded.to(weight.device, weight.dtype), weight.detach())


@dataclass
class SavedEncoding:
    """The specification and the arrays of a tensor that is about to be saved."""

    spec: dict[str, Any]
    arrays: dict[str, Tensor]

    def checksum(self) -> str:
        """The checksum of the arrays (docs/format.md)."""
        return checksum_of_arrays([_bytes_of(self.arrays[name]) for name in sorted(self.arrays)])


def _bytes_of(array: Tensor) -> Bytes:
    data: Bytes = array.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return data


def decode_and_keep(module: EncodedMatrix) -> None:
    """Decode a module and keep its arrays."""
    arrays = {name: getattr(module, name).detach().cpu() for name in module.array_names()}
    kept = KeptEncoding(module.spec, arrays, module.like.dtype)
    decode_module(module, module.like.dtype)
    module.__dict__[_ATTRIBUTE] = kept


def forget_encodings(model: nn.Module) -> None:
    """Let save_pretrained write dense layers."""
    for module in model.modules():
        module.__dict__.pop(_ATTRIBUTE, None)


def encoded_state(model: PreTrainedModel) -> tuple[dict[str, Tensor], dict[str, SavedEncoding]]:
    """The state to save, and its encoded tensors by the name of their first array."""
    state: dict[str, Tensor] = model.state_dict()
    saved: dict[str, SavedEncoding] = {}
    for path, module in model.named_modules():
        kept: KeptEncoding | None = module.__dict__.get(_ATTRIBUTE)
        if isinstance(module, EncodedMatrix):
            names, spec = module.array_names(), module.current_spec()
        elif kept is not None and kept.encodes(module.weight):
            del state[f"{path}.weight"]
            state.update({f"{path}.{name}": array for name, array in kept.arrays.items()})
            names, spec = list(kept.arrays), kept.spec
        else:
            continue
        if f"{path}.{names[0]}" in model.all_tied_weights_keys:
            for name in names:
                state.pop(f"{path}.{name}", None)
            continue
        saved[f"{path}.{names[0]}"] = SavedEncoding(spec, {name: state[f"{path}.{name}"] for name in names})
        for name in (f"{path}.{name}" for name in names):
            if state[name].numel() == 0:  # transformers takes all empty tensors for tied: they have one address
                state[name] = state[name].new_empty(1, *state[name].shape[1:])[:0]
    return state, saved
