# SPDX-License-Identifier: Apache-2.0
"""Initializers that hold the same matrix: exporters store tied weights more than once, sometimes transposed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from loewner.onnx.compress.roles import LINEAR, Place
from loewner.onnx.tensor_data import TensorData


@dataclass(frozen=True)
class Copy:
    """An initializer with the values of another one, or of its transpose."""

    name: str
    transposed: bool


def copies_of(tensors: Iterable[TensorData], places: dict[str, Place]) -> dict[str, list[Copy]]:
    """The copies of each first matrix, by its name; tables come before linear layers.

    Only matrices of equal size, type and first numbers are read whole.
    """
    groups: dict[tuple[object, ...], list[TensorData]] = defaultdict(list)
    ordered = sorted(tensors, key=lambda tensor: places[tensor.name].role == LINEAR)
    for tensor in ordered:
        groups[tensor.proto.data_type, tuple(sorted(tensor.shape)), _corner(tensor)].append(tensor)
    found: dict[str, list[Copy]] = defaultdict(list)
    for group in groups.values():
        while group:
            first, *rest = group
            group = []
            digests: dict[bool, str] = {}
            for other in rest:
                transposed = _relation(first, other, digests)
                if transposed is None:
                    group.append(other)
                else:
                    found[first.name].append(Copy(other.name, transposed))
    return dict(found)


def _corner(tensor: TensorData) -> bytes:
    """Numbers that a matrix and its transpose share: the begin of the diagonal."""
    values = tensor.array()
    return np.ascontiguousarray(values[: min(8, min(values.shape)), : min(8, min(values.shape))].diagonal()).tobytes()


def _relation(first: TensorData, other: TensorData, digests: dict[bool, str]) -> bool | None:
    """Whether `other` is the transpose of `first`; None if it is neither that nor `first` itself."""
    stored = _digest(other, False)
    for transposed in (False, True):
        shape = first.shape[::-1] if transposed else first.shape
        if shape != other.shape:
            continue
        if transposed not in digests:
            digests[transposed] = _digest(first, transposed)
        if digests[transposed] == stored:
            return transposed
    return None


def _digest(tensor: TensorData, transposed: bool) -> str:
    digest = hashlib.sha256()
    for block in tensor.row_blocks(transposed):
        digest.update(block.data)
    return digest.hexdigest()
