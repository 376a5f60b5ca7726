# SPDX-License-Identifier: Apache-2.0
"""The structures of docs/format.md: the only list of them in the Python package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loewner.onnx.decoders.base import Decoder
    from loewner.transformers.modules import EncodedMatrix


@dataclass(frozen=True)
class Structure:
    """One way to store a matrix.

    name: the field `structure` of a specification.
    module: the torch module that decodes it, as FILE.CLASS of loewner.transformers.structures. It also says whether
        `loewner refit` can fit its factors (`two_factors`). loewner.onnx.decoders has its graph under the same name.
    directions: an array whose rows are directions in the row space. For a token table the report page names them by
        their nearest tokens.
    """

    name: str
    module: str
    directions: str | None = None

    def module_class(self) -> type[EncodedMatrix]:
        """Import the torch module. Reports work without torch, so they never call this."""
        file, _, name = self.module.partition(".")
        loaded: type[EncodedMatrix] = getattr(import_module(f"loewner.transformers.structures.{file}"), name)
        return loaded

    def decoder_class(self) -> type[Decoder]:
        """Import the decoder graph."""
        file, _, name = self.module.partition(".")
        loaded: type[Decoder] = getattr(import_module(f"loewner.onnx.decoders.{file}"), name)
        return loaded


STRUCTURES = {
    structure.name: structure
    for structure in (
        Structure("low_rank", "low_rank.LowRank"),
        Structure("dense", "dense.Dense"),
        Structure("subspaces", "subspaces.Subspaces"),
        Structure("codes", "codes.Codes"),
        Structure("joined_codes", "joined_codes.JoinedCodes"),
        Structure("entropy_codes", "entropy_codes.EntropyCodes"),
        Structure("integers", "integers.Integers"),
        Structure("product", "product.Product"),
        Structure("archetypes", "archetypes.Archetypes", directions="archetypes"),
        Structure("input_codes", "input_codes.InputCodes"),
    )
}


def array_prefix(tensor: str, spec: dict[str, Any]) -> str:
    """What comes before the names of an encoded tensor's arrays in a checkpoint (docs/format.md)."""
    return f"{tensor}." if "shape" in spec else tensor.removesuffix(".weight") + "."
