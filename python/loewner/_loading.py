# SPDX-License-Identifier: Apache-2.0
"""Loads an encoded model with a choice that from_pretrained has no place for."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Memory = Literal["fast", "small"]

MEMORY: ContextVar[Memory] = ContextVar("loewner_memory", default="fast")


def load(
    folder: str | os.PathLike[str], *, memory: Memory = "fast", model_class: Any = None, **options: Any
) -> PreTrainedModel:
    """`model_class.from_pretrained(folder, **options)`, by default of transformers.AutoModel.

    memory: what becomes of coded linear layers (codes, int8, int4). "fast", which from_pretrained does too: they are
    decoded once, so that files are small and products are those of the dense model. "small": they stay encoded and
    every product decodes them by blocks of rows, so that memory is small too. Tables are decoded by the rows that are
    looked up in either case, and factors stay factors.

    Errors    ValueError for another value of memory; those of from_pretrained.
    """
    from transformers import AutoModel

    if memory not in ("fast", "small"):
        raise ValueError(f"memory must be 'fast' or 'small', got '{memory}'")
    token = MEMORY.set(memory)
    try:
        return (model_class or AutoModel).from_pretrained(folder, **options)  # type: ignore[no-any-return]
    finally:
        MEMORY.reset(token)
