# SPDX-License-Identifier: Apache-2.0
"""The operations of the C++ core on the arrays of a coded matrix, and the same as operators of torch.

torch.compile, torch.export and torch.jit.trace record operators `loewner::...`. Functions `..._now` do the same without
the cost of dispatch. `description` is `EncodedMatrix.description`.
"""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from loewner._core import StoredMatrix, set_thread_team
from loewner._structures import STRUCTURES


def _entries_of_openmp() -> tuple[int, int]:
    """The addresses of GOMP_parallel and omp_get_max_threads in torch's OpenMP runtime; 0, 0 if torch has none."""
    try:
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        entries = (library.GOMP_parallel, library.omp_get_max_threads)
    except (OSError, AttributeError):
        return 0, 0
    run, size = (ctypes.cast(entry, ctypes.c_void_p).value or 0 for entry in entries)
    return run, size


# Operations on stored matrices run on the threads of torch, as many as torch uses. These spin between operations of
# torch and would slow other threads down.
set_thread_team(*_entries_of_openmp())

# By the first array. An entry ends with that array. Copies and pickles of a module make their own.
_MATRICES: Any = WeakIdKeyDictionary()


def _matrix(arrays: list[Tensor], description: str) -> StoredMatrix:
    """The matrix of the core, made at the first use: a checkpoint loads the arrays after the module exists."""
    seen = (description, *((a.data_ptr(), None if a.is_inference() else a._version, a.device) for a in arrays))
    known: tuple[Any, StoredMatrix] | None = _MATRICES.get(arrays[0])
    if known is None or known[0] != seen:
        known = (seen, _new_matrix(arrays, description))
        _MATRICES[arrays[0]] = known
    return known[1]


def _new_matrix(arrays: list[Tensor], description: str) -> StoredMatrix:
    described = json.loads(description)
    dtypes = STRUCTURES[described["spec"]["structure"]].module_class().fixed_arrays
    names = described["arrays"]
    held = {name: a.detach().cpu().to(dtypes[name]).numpy() for name, a in zip(names, arrays, strict=True)}
    return StoredMatrix(json.dumps(described["spec"]), held)


def decode_now(arrays: list[Tensor], description: str) -> Tensor:
    """W, float32."""
    return torch.from_numpy(_matrix(arrays, description).decode())


def decode_rows_now(ids: Tensor, arrays: list[Tensor], description: str, cols: int) -> Tensor:
    """The rows W[ids], float32."""
    if ids.numel() == 0:
        return torch.empty(*ids.shape, cols)
    flat = np.ascontiguousarray(ids.detach().cpu().reshape(-1).long().numpy())
    return torch.from_numpy(_matrix(arrays, description).decode_rows(flat)).reshape(*ids.shape, cols)


def product_now(x: Tensor, arrays: list[Tensor], description: str, rows: int) -> Tensor:
    """x W^T, by blocks of rows of W, in the type and on the device of x."""
    if x.numel() == 0:
        return x.new_empty(*x.shape[:-1], rows)
    flat = x.detach().cpu().reshape(-1, x.shape[-1]).float().contiguous()
    product = torch.from_numpy(_matrix(arrays, description).apply(flat.numpy()))
    return product.to(x.device, x.dtype).reshape(*x.shape[:-1], rows)


def byte_product_now(
    x: Tensor, arrays: list[Tensor], description: str, outputs: int, transposed: bool, bias: Tensor | None
) -> Tensor:
    """x W^T, or x W, with W in tiles of 8-bit integers, plus a bias; in the type and on the device of x."""
    if x.numel() == 0:
        return x.new_empty(*x.shape[:-1], outputs)
    flat = x.detach().cpu().reshape(-1, x.shape[-1]).float().contiguous()
    added = None if bias is None else bias.detach().cpu().float().contiguous().numpy()
    product = torch.empty(len(flat), outputs)  # torch keeps the memory of results for the next ones
    _matrix(arrays, description).multiply(flat.numpy(), transposed, added, torch.get_num_threads(), product.numpy())
    return product.to(x.device, x.dtype).reshape(*x.shape[:-1], outputs)


def multiplies_bytes(arrays: list[Tensor], description: str, transposed: bool) -> bool:
    """Whether `byte_product` is the better product with the matrix on this processor."""
    return _matrix(arrays, description).multiplies_bytes(transposed)


@torch.library.custom_op("loewner::decode", mutates_args=())
def decode(arrays: list[Tensor], description: str) -> Tensor:
    return decode_now(arrays, description)


@decode.register_fake
def _(arrays: list[Tensor], description: str) -> Tensor:
    spec = json.loads(description)["spec"]
    return torch.empty(spec["rows"], spec["cols"])


@torch.library.custom_op("loewner::decode_rows", mutates_args=())
def decode_rows(ids: Tensor, arrays: list[Tensor], description: str, cols: int) -> Tensor:
    return decode_rows_now(ids, arrays, description, cols)


@decode_rows.register_fake
def _(ids: Tensor, arrays: list[Tensor], description: str, cols: int) -> Tensor:
    return torch.empty(*ids.shape, cols)


@torch.library.custom_op("loewner::product", mutates_args=())
def product(x: Tensor, arrays: list[Tensor], description: str, rows: int) -> Tensor:
    return product_now(x, arrays, description, rows)


@product.register_fake
def _(x: Tensor, arrays: list[Tensor], description: str, rows: int) -> Tensor:
    return x.new_empty(*x.shape[:-1], rows)


@torch.library.custom_op("loewner::byte_product", mutates_args=())
def byte_product(
    x: Tensor, arrays: list[Tensor], description: str, outputs: int, transposed: bool, bias: Tensor | None
) -> Tensor:
    return byte_product_now(x, arrays, description, outputs, transposed, bias)


@byte_product.register_fake
def _(x: Tensor, arrays: list[Tensor], description: str, outputs: int, transposed: bool, bias: Tensor | None) -> Tensor:
    return x.new_empty(*x.shape[:-1], outputs)


def _keep_arrays(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, ctx.arrays, ctx.description, _ = inputs


def _product_backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, list[None], None, None]:
    matrix = decode(ctx.arrays, ctx.description).to(gradient.device, gradient.dtype)
    return gradient @ matrix, [None] * len(ctx.arrays), None, None


product.register_autograd(_product_backward, setup_context=_keep_arrays)


def _keep_arrays_and_side(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, ctx.arrays, ctx.description, _, ctx.transposed, _ = inputs


def _byte_product_backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, list[None], None, None, None, Tensor | None]:
    matrix = decode(ctx.arrays, ctx.description).to(gradient.device, gradient.dtype)
    to_input = gradient @ (matrix if ctx.transposed else matrix.T)
    to_bias = gradient.reshape(-1, gradient.shape[-1]).sum(0) if ctx.needs_input_grad[-1] else None
    return to_input, [None] * len(ctx.arrays), None, None, None, to_bias


byte_product.register_autograd(_byte_product_backward, setup_context=_keep_arrays_and_side)
