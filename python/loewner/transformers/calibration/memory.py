# SPDX-License-Identifier: Apache-2.0
"""How much memory a calibration takes, and whether a limit allows it."""

from __future__ import annotations

import ctypes
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

_PROGRAM = 900 << 20  # Python, torch, what they load, and what the C library keeps while a layer is coded
_FLOAT, _DOUBLE = 4, 8
_KINDS = 2  # of forwards: original and coded
_NARROW_STATES, _WIDE_STATES = 4, 1.5  # vectors of a token that a forward holds while it stands at a layer
_MATRICES_WITH_DRIFT, _MATRICES = 15, 3.5  # d x d in float64, for a layer with d inputs
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h
_STEP, _FEWEST = 4096, 8192  # tokens
_TOKEN_OUTPUTS = ("LM", "ForConditionalGeneration")  # in names of models whose outputs are over the vocabulary


@dataclass(frozen=True)
class Shapes:
    """What the memory depends on."""

    layers: Sequence[tuple[int, int]]  # outputs and inputs of each selected linear layer
    tables: Sequence[tuple[int, int]]  # rows and columns of each other selected tensor
    experts: Sequence[tuple[int, int]]  # those of the layers that are experts
    parameters: int  # of the model
    logits: int  # entries of the outputs of one token

    def states(self, tokens: int) -> int:
        """Bytes of the hidden states of all forwards."""
        narrow = min((inputs for _, inputs in self.layers), default=0)
        wide = max((inputs for _, inputs in self.layers), default=0)
        return int(_KINDS * _FLOAT * tokens * (_NARROW_STATES * narrow + _WIDE_STATES * wide))


def shapes_of(session: Any, folder: Path) -> Shapes:
    layers, tables, experts = [], [], []
    for tensor in session.tensors:
        shape = (tensor.rows, tensor.cols)
        if tensor.inputs is None:
            tables.append(shape)
        else:
            layers.append(shape if tensor.inputs == "cols" else shape[::-1])
            if ".experts." in tensor.name:
                experts.append(layers[-1])
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    has_tokens = any(mark in str(name) for name in config.get("architectures") or [] for mark in _TOKEN_OUTPUTS)
    rows = max((rows for rows, _ in tables), default=0) if has_tokens else 0
    return Shapes(layers, tables, experts, _parameters(folder), rows)


def _parameters(folder: Path) -> int:
    count = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            count += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return count


def memory_limit(max_memory: int) -> int:
    """The limit in bytes, by default half of the machine's memory."""
    return max_memory or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def return_freed_blocks() -> None:
    """Makes the C library give each block of a mebibyte or more back to the system as soon as it is freed, in the whole
    process and from now on.

    By default glibc reuses blocks of up to 32 MiB from pools, which the states and matrices of different sizes leave
    with holes.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, 1 << 20)


def release_free_memory() -> None:
    """Gives the system the memory that the C library keeps for later, where it can be asked to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def tokens_that_fit(shapes: Shapes, limit: int, most: int, of_batch: int, with_experts: bool = True) -> int:
    """How many tokens a Walk can take, in steps; 0 if they are too few. with_experts: with moments of experts, too."""
    spare = limit - whole_model_bytes(shapes, 0, of_batch, with_experts)
    tokens = min(most, max(0, spare) // max(1, shapes.states(1)) // _STEP * _STEP)
    return tokens if tokens >= _FEWEST else 0


def whole_model_bytes(shapes: Shapes, tokens: int, of_batch: int, with_experts: bool = True) -> int:
    """Memory of a Walk, which holds the whole model in float32, the coded weights beside it, and all moments."""
    coded = sum(rows * cols for rows, cols in (*shapes.layers, *shapes.tables))
    widest = max((inputs for _, inputs in shapes.layers), default=0)
    return (
        _PROGRAM
        + _FLOAT * (shapes.parameters + coded + 3 * of_batch * shapes.logits)
        + shapes.states(tokens)
        + _MATRICES_WITH_DRIFT * _DOUBLE * widest**2
        + 2 * _FLOAT * (_squares(shapes.layers) - (0 if with_experts else _squares(shapes.experts)))
    )


def _squares(layers: Sequence[tuple[int, int]]) -> int:
    return sum(inputs**2 for _, inputs in layers)


def large_model_bytes(shapes: Shapes, resident: int, tokens: int) -> int:
    """The least memory of a LargeWalk. resident: bytes of a streamed model that stay in memory."""
    layer = max((int(_MATRICES * _DOUBLE * d * d) + 4 * _FLOAT * m * d for m, d in shapes.layers), default=0)
    table = max((2 * _FLOAT * rows * cols for rows, cols in shapes.tables), default=0)
    return _PROGRAM + resident + max(shapes.states(tokens) + layer, table)


def widest_drift(shapes: Shapes, spare: int) -> int:
    """The most inputs of a layer that a LargeWalk can correct for drift. spare: memory that it does not need."""
    widest = max((inputs for _, inputs in shapes.layers), default=0)
    return int(math.sqrt((spare + _MATRICES * _DOUBLE * widest**2) / (_MATRICES_WITH_DRIFT * _DOUBLE)))
