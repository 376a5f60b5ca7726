# SPDX-License-Identifier: Apache-2.0
"""Nodes of the rotation of docs/format.md and of its inverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from loewner import _core
from loewner.onnx.graph import Body, Graph, Nodes

MOST_BLOCKS = 63
_DIRECT = 128  # a transform of at most this length is one product


def blocks_of(cols: int) -> tuple[int, int]:
    """(p, m) of docs/format.md with cols = p m, or (p, 0) if transforms overlap."""
    length = cols & -cols
    if cols // length <= MOST_BLOCKS:
        return length, cols // length
    return 1 << (cols.bit_length() - 1), 0


def signs_of(cols: int, seed: int) -> np.ndarray[Any, Any]:
    """The signs, one row for each round, as int8."""
    return np.array(_core.rotation_signs(cols, seed), np.int8).reshape(-1, cols)


def rotation_parameters(graph: Graph, cols: int) -> dict[str, str]:
    """The constants that `rotated` and `rotated_back` need inside a function: parameters with their values."""
    length, blocks = blocks_of(cols)
    parameters = {f"hadamard_{p}": hadamard(graph, p) for p in _factors(length)}
    if blocks > 1:
        parameters[f"hartley_{blocks}"] = graph.constant(_hartley(blocks), np.float32)
    return parameters


def hadamard(graph: Graph, length: int) -> str:
    """The Hadamard matrix over sqrt(length), float32. Long ones are Kronecker products, computed when a file loads."""
    if length <= 16:
        matrix = np.ones((1, 1))
        while len(matrix) < length:
            matrix = np.block([[matrix, matrix], [matrix, -matrix]])
        return graph.constant(matrix / np.sqrt(length), np.float32)

    def product() -> str:
        a, b = length // 16, 16
        left = graph.reshape(hadamard(graph, a), [a, 1, a, 1])
        right = graph.reshape(hadamard(graph, b), [1, b, 1, b])
        return graph.reshape(graph.op("Mul", left, right), [length, length])

    return graph.shared(f"hadamard_{length}", product)


def rotated_back(nodes: Nodes, x: str, cols: int, signs: str, parameters: dict[str, str]) -> str:
    """R^-1 of the last axis of x, which has any shape, with float32 signs: those of each round one after another."""
    length, blocks = blocks_of(cols)
    if blocks > 0:
        return str(nodes.op("Mul", mixed(nodes, x, cols, parameters), nodes.op("Gather", signs, nodes.constant(0))))
    for step in (3, 2, 1, 0):
        x = _overlapping(nodes, x, cols, length, step, parameters)
        x = nodes.op("Mul", x, nodes.op("Gather", signs, nodes.constant(step)))
    return x


def rotated(nodes: Nodes, x: str, cols: int, signs: str, parameters: dict[str, str]) -> str:
    """R of the last axis of x."""
    length, blocks = blocks_of(cols)
    if blocks > 0:
        return mixed(nodes, nodes.op("Mul", x, nodes.op("Gather", signs, nodes.constant(0))), cols, parameters)
    for step in range(4):
        x = nodes.op("Mul", x, nodes.op("Gather", signs, nodes.constant(step)))
        x = _overlapping(nodes, x, cols, length, step, parameters)
    return x


LARGEST_MATRIX = 2048  # of `rotation_matrix`


def rotation_matrix(graph: Graph, cols: int, seed: int, *, back: bool = True) -> str:
    """B of x R^-1 = x B, or its inverse: cols x cols. Runtimes compute it once, when they load a file.

    One product with it leaves fewer values behind than the steps of the transform, which runtimes keep until all layers
    of a stage are decoded.
    """
    length, blocks = blocks_of(cols)

    def by_steps() -> str:
        identity = graph.op("EyeLike", graph.op("Expand", graph.constant(0, np.float32), graph.constant([cols, cols])))
        return call_rotation(graph, identity, cols, seed, f"rotation_{cols}", back=back)

    def by_factors() -> str:
        signs = graph.cast(graph.constant(signs_of(cols, seed)[0].reshape(blocks, length), np.int8), np.float32)
        signs = graph.reshape(signs, [1, 1, blocks, length] if back else [blocks, length, 1, 1])
        signed = graph.op("Mul", graph.reshape(hadamard(graph, length), [1, length, 1, length]), signs)
        hartley = graph.constant(_hartley(blocks)[:, None, :, None], np.float32)
        return graph.reshape(graph.op("Mul", hartley, signed), [cols, cols])

    return graph.shared(f"rotation_matrix_{cols}_{seed}_{back}", by_factors if blocks > 0 else by_steps)


def call_rotation(graph: Graph, x: str, cols: int, seed: int, label: str, *, back: bool) -> str:
    """R, or R^-1 if `back`, of the last axis of a value of the graph, in a local function."""

    def build(body: Body, at: dict[str, str]) -> str:
        return (rotated_back if back else rotated)(body, at["x"], cols, body.cast(at["signs"], np.float32), at)

    signs = graph.constant(signs_of(cols, seed)[:, None], np.int8)
    parts = {"x": x, "signs": signs, **rotation_parameters(graph, cols)}
    return graph.call(f"{'RotateBack' if back else 'Rotate'}{cols}", parts, build, label)


_BLOCK = 128  # the most entries that `rotated_in_blocks` mixes


def block_of(cols: int) -> int:
    """The length b of the blocks in R = (A (x) I_b) (I (x) H_b) signs, or 0 if transforms overlap."""
    length, blocks = blocks_of(cols)
    return min(length, _BLOCK) if blocks > 0 else 0


def rotated_in_blocks(graph: Graph, x: str, cols: int, seed: int, label: str) -> str:
    """(I (x) H_b) signs x, the cheap part of R, for the last axis of x."""

    def build(body: Body, at: dict[str, str]) -> str:
        signed = body.op("Mul", at["x"], body.cast(at["signs"], np.float32))
        blocks = body.op("MatMul", body.reshape(signed, [-1, block]), at["hadamard"])
        return str(body.op("Reshape", blocks, body.op("Shape", at["x"])))

    block = block_of(cols)
    signs = graph.constant(signs_of(cols, seed)[0], np.int8)
    parts = {"x": x, "signs": signs, "hadamard": hadamard(graph, block)}
    return graph.call(f"Rotate{cols}InBlocks", parts, build, label)


def rest_of_rotation(graph: Graph, rows: str, count: int) -> str:
    """(A (x) I_b) times a matrix with so many rows, which weights have instead of the inputs of a product.

    A is the product of the small Hartley matrix and a Hadamard matrix, and symmetric. The result has a row for each
    row of A.
    """
    block, (length, blocks) = block_of(count), blocks_of(count)
    rest = length // block
    if block == count:
        return rows

    def matrix() -> str:
        hartley = graph.constant(_hartley(blocks)[:, None, :, None], np.float32)
        right = graph.reshape(hadamard(graph, rest), [1, rest, 1, rest])
        return graph.reshape(graph.op("Mul", hartley, right), [blocks * rest] * 2)

    left = graph.shared(f"rest_of_rotation_{count}", matrix)
    return str(graph.op("MatMul", left, graph.reshape(rows, [blocks * rest, -1])))


def mixed(nodes: Nodes, x: str, cols: int, parameters: dict[str, str]) -> str:
    """(Q (x) H) of the last axis of x, without signs."""
    length, blocks = blocks_of(cols)
    flat = nodes.reshape(x, [-1, blocks, length])
    if length > 1:
        flat = _transformed(nodes, flat, length, parameters)
    if blocks > 1:
        flat = nodes.op("MatMul", parameters[f"hartley_{blocks}"], nodes.reshape(flat, [-1, blocks, length]))
    return str(nodes.op("Reshape", flat, nodes.op("Shape", x)))


def _overlapping(nodes: Nodes, x: str, cols: int, length: int, step: int, parameters: dict[str, str]) -> str:
    """Round `step` of the overlapping transforms: even rounds on the first entries, odd ones on the last."""
    first, end = (0, length) if step % 2 == 0 else (cols - length, cols)
    part = nodes.slice(x, first, end, -1)
    part = nodes.op("Reshape", _transformed(nodes, part, length, parameters), nodes.op("Shape", part))
    if length == cols:
        return str(part)
    rest = nodes.slice(x, length, cols, -1) if first == 0 else nodes.slice(x, 0, first, -1)
    return str(nodes.op("Concat", *((part, rest) if first == 0 else (rest, part)), axis=-1))


def _transformed(nodes: Nodes, x: str, length: int, parameters: dict[str, str]) -> str:
    """H of consecutive entries, in any shape."""
    factors = _factors(length)
    if len(factors) == 1:
        return str(nodes.op("MatMul", nodes.reshape(x, [-1, length]), parameters[f"hadamard_{length}"]))
    a, b = factors
    right = nodes.op("MatMul", nodes.reshape(x, [-1, a, b]), parameters[f"hadamard_{b}"])
    return str(nodes.op("MatMul", parameters[f"hadamard_{a}"], right))


def _factors(length: int) -> list[int]:
    """The lengths of the transforms whose Kronecker product is that of a length."""
    if length <= _DIRECT:
        return [length]
    b = 1 << (length.bit_length() // 2)
    return [length // b, b]


def _hartley(blocks: int) -> np.ndarray[Any, Any]:
    angle = 2 * np.pi * (np.outer(np.arange(blocks), np.arange(blocks)) % blocks) / blocks
    return np.asarray((np.cos(angle) + np.sin(angle)) / np.sqrt(blocks))
