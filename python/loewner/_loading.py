# SPDX-License-Identifier: Apache-2.0
"""`loewner.load`: from_pretrained with a choice between speed and memory."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, get_args

from loewner.static_embedding import StaticModel, is_static_model

Memory = Literal["auto", "dense", "small"]

MEMORY: ContextVar[Memory] = ContextVar("loewner_memory", default="auto")  # from_pretrained has no parameter for it


@contextmanager
def held_in(memory: Memory) -> Iterator[None]:
    """How models are held that `from_pretrained` loads inside."""
    token = MEMORY.set(memory)
    try:
        yield
    finally:
        MEMORY.reset(token)


def load(
    folder: str | os.PathLike[str],
    *,
    memory: Memory | Literal["fast"] = "auto",
    model_class: Any = None,
    **options: Any,
) -> Any:
    """Load a model folder that `compress` wrote.

    Parameters
    ----------
    folder : str or os.PathLike
        The encoded model folder.
    memory : {"auto", "dense", "small"}, default "auto"
        How linear layers stored as codes or integers are held. "auto": layers stay encoded and are multiplied in 8-bit
        integers on processors where that is the faster product (codes of up to 6 bits an entry: x86 with AVX2;
        integers: x86 with AVX-512 VNNI); all others are decoded once while loading. "dense": all are decoded once while
        loading; products are those of a dense model.
        "small": all stay encoded; every product decodes the layer by blocks of rows to float32, which is slow.
        "fast" is the former name of "dense".
    model_class : type, optional
        A model class of transformers. The default is transformers.AutoModel.
    **options
        Passed to `model_class.from_pretrained`.

    Returns
    -------
    transformers.PreTrainedModel or StaticModel
        An ordinary model of transformers. Folders of static embedding models become a `StaticModel`, whose method
        `encode` computes the vectors of sentences.

    Raises
    ------
    ValueError
        If `memory` is another word. `from_pretrained` may raise other exceptions.

    Notes
    -----
    `model_class.from_pretrained(folder, **options)` loads the same model with `memory="auto"`. Products in 8-bit
    integers round their inputs and weights: the vectors of all-MiniLM-L6-v2 at 3 bits have a cosine of 0.9995 to those
    with `memory="dense"`, which is the reference of `verify` and `eval` (docs/design/kernels.md). Layers that stay
    encoded cannot be trained; adapters on them can. `model.dequantize()` decodes all layers of a loaded model.
    Embedding tables always stay encoded: they decode the rows that are looked up. Low-rank factors always stay factors
    and can be trained.

    Examples
    --------
    >>> import loewner
    >>> model = loewner.load("SMALLER", memory="small")  # doctest: +SKIP
    """
    if memory == "fast":
        warnings.warn("load: memory='fast' is now called 'dense'", FutureWarning, stacklevel=2)
        memory = "dense"
    if memory not in get_args(Memory):
        raise ValueError(f"load: memory must be 'auto', 'dense' or 'small', got '{memory}'")
    if model_class is None and is_static_model(folder):
        return StaticModel(folder)
    from transformers import AutoModel

    with held_in(memory):
        return (model_class or AutoModel).from_pretrained(folder, **options)
