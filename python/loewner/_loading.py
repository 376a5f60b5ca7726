# SPDX-License-Identifier: Apache-2.0
"""`loewner.load`: from_pretrained with a choice between speed and memory."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any, Literal, get_args

from loewner.static_embedding import StaticModel, is_static_model

Memory = Literal["auto", "dense", "small"]

MEMORY: ContextVar[Memory] = ContextVar("loewner_memory", default="dense")  # from_pretrained has no parameter for it


def load(folder: str | os.PathLike[str], *, memory: Memory = "dense", model_class: Any = None, **options: Any) -> Any:
    """Load a model folder that `compress` wrote.

    Parameters
    ----------
    folder : str or os.PathLike
        The encoded model folder.
    memory : {"auto", "dense", "small"}, default "dense"
        How linear layers stored as codes or integers are held. "dense": decoded once while loading; products are as
        fast as in the original model. "auto": codes of up to 6 bits an entry stay encoded and are multiplied in 8-bit
        integers, where that is the faster product (processors with AVX2); all others are decoded. "small": all stay
        encoded; every product decodes the layer by blocks of rows to float32, which is slow.
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
    `model_class.from_pretrained(folder, **options)` loads the same model with `memory="dense"`. Products in 8-bit
    integers change the vectors of a model by about as much as a hundredth of the codes' own error
    (docs/design/kernels.md). Embedding tables always stay encoded: they decode the rows that are looked up. Low-rank
    factors always stay factors and can be trained.

    Examples
    --------
    >>> import loewner
    >>> model = loewner.load("SMALLER", memory="small")  # doctest: +SKIP
    """
    if memory not in get_args(Memory):
        raise ValueError(f"load: memory must be 'auto', 'dense' or 'small', got '{memory}'")
    if model_class is None and is_static_model(folder):
        return StaticModel(folder)
    from transformers import AutoModel

    token = MEMORY.set(memory)
    try:
        return (model_class or AutoModel).from_pretrained(folder, **options)
    finally:
        MEMORY.reset(token)
