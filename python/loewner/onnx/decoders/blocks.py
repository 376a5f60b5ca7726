# SPDX-License-Identifier: Apache-2.0
"""Products with matrices of integers that stay integers in memory, by an operator of onnxruntime.

Its MatMulNBits multiplies blocks of integers with a scale each, and their middle stands for zero. An entry of ours is
offset + step code, so each block adds what its middle is worth times the sum of its inputs.
"""

from __future__ import annotations

from math import gcd

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.integers import Integers
from loewner.onnx.graph import RUNTIME_DOMAIN, Graph

SMALLEST, LARGEST = 16, 32  # entries of a block; the inputs of each are rounded with a scale of their own
EIGHT_BIT_INPUTS = 4  # the accuracy level at which inputs are rounded to 8 bits, block by block


class BlockProduct:
    """x W^T for a matrix W of integers."""

    def __init__(self, graph: Graph, integers: Integers, block: int) -> None:
        self.graph, self.integers, self.block = graph, integers, block
        self.bits, self.outputs, self.inputs = (integers.spec[name] for name in ("bits", "rows", "cols"))

    @staticmethod
    def of(graph: Graph, decoder: Decoder) -> BlockProduct | None:
        """The product of a decoder, or None if its matrix has no integers, or groups that no blocks make up."""
        if not isinstance(decoder, Integers):
            return None
        cols = decoder.spec["cols"]
        group = min(decoder.spec["group"], cols)
        block = gcd(group, cols, LARGEST)
        return BlockProduct(graph, decoder, block) if block >= SMALLEST else None

    def fits(self, transposed: bool) -> bool:
        """Whether an initializer with the matrix or its transpose multiplies inputs from the right."""
        return transposed

    def times(self, x: str) -> str:
        """The product with x, whose last axis has the inputs."""
        graph = self.graph
        blocks = self.inputs // self.block
        weights = graph.reshape(self.integers.array("codes"), [self.outputs, blocks, self.block * self.bits // 8])
        steps, offsets = (self._by_block(self.integers.scaled(name)) for name in ("steps", "offsets"))
        product = graph.op(
            "MatMulNBits",
            x,
            weights,
            graph.reshape(steps, [-1]),
            domain=RUNTIME_DOMAIN,
            K=self.inputs,
            N=self.outputs,
            bits=self.bits,
            block_size=self.block,
            accuracy_level=EIGHT_BIT_INPUTS,
        )
        middle = graph.op("Mul", steps, graph.constant(2 ** (self.bits - 1), np.float32))
        worth = graph.op("Transpose", graph.op("Add", offsets, middle), perm=[1, 0])
        return str(graph.op("Add", product, graph.op("MatMul", self._sums(x), worth)))

    def _sums(self, x: str) -> str:
        """The sum of the inputs of each block. Layers with the same inputs share it."""
        graph, blocks = self.graph, self.inputs // self.block

        def sums() -> str:
            parts = graph.constant([blocks, self.block])
            leading = graph.op("Shape", x, end=-1)
            split = graph.op("Reshape", x, graph.op("Concat", leading, parts, axis=0))
            return str(graph.op("ReduceSum", split, graph.constant([-1]), keepdims=0))

        return graph.shared(f"block_sums/{x}/{self.block}", sums)

    def _by_block(self, values: str) -> str:
        """A value for each group of a row, as one for each block: outputs x blocks."""
        graph, group = self.graph, min(self.integers.spec["group"], self.inputs)
        groups = -(-self.inputs // group)
        repeated = graph.op(
            "Expand", graph.reshape(values, [-1, groups, 1]), graph.constant([1, 1, group // self.block])
        )
        flat = graph.reshape(repeated, [self.outputs, -1])
        return graph.slice(flat, 0, self.inputs // self.block, 1)
