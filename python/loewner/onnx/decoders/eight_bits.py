# SPDX-License-Identifier: Apache-2.0
"""Products with codes in integers of 8 bits, times rotated inputs.

The weights become int8 when a file loads. Inputs are rounded to uint8 with one scale for each token, in the rotated
basis, where no entry is much larger than the others. Both are bounded so that sums of the products of two neighbors
fit in 16 bits: processors without instructions for sums in 32 bits give the same integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from onnx import numpy_helper

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.codes import Codes
from loewner.onnx.decoders.input_codes import InputCodes
from loewner.onnx.graph import Body, Graph
from loewner.onnx.rotation import call_rotation

MOST_SUM = 32767  # of the products of two neighbors
MOST_BITS = 6  # the mean of a matrix; with more, rounding to the bound costs more than the code


class EightBitProduct(ABC):
    """x W^T, or x W for matrices whose rows are the inputs."""

    ZERO: int  # the integer of an input of 0; inputs are rounded to 0, ..., 2 ZERO

    def __init__(self, graph: Graph, codes: Codes) -> None:
        self.graph, self.codes = graph, codes

    @staticmethod
    def of(graph: Graph, decoder: Decoder) -> EightBitProduct | None:
        """The product of a decoder, or None if its structure has none or has more bits than it keeps."""
        product: EightBitProduct | None = None
        if isinstance(decoder, Codes) and not decoder.has_shared():
            product = OutputCodesProduct(graph, decoder)
        elif isinstance(decoder, InputCodes):
            product = InputCodesProduct(graph, decoder)
        fits = product is not None and not product.codes.has_bands() and product.codes.row_steps().mean() <= MOST_BITS
        return product if fits else None

    @abstractmethod
    def fits(self, transposed: bool) -> bool:
        """Whether an initializer with the matrix or its transpose multiplies inputs from the right."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Numbers of inputs and outputs."""

    @abstractmethod
    def times(self, x: str) -> str:
        """The product with x, whose last axis has the inputs."""

    def rotated(self, x: str, cols: int, seed: int) -> str:
        """R x. Layers with the same inputs share it."""
        label = self.codes.label("rotated")
        return self.graph.shared(
            f"rotated/{x}/{cols}/{seed}", lambda: call_rotation(self.graph, x, cols, seed, label, back=False)
        )

    def rounded(self, x: str, cols: int) -> tuple[str, str]:
        """The tokens of x as uint8, tokens x cols, and the scale of each."""
        graph = self.graph

        def scale() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                tokens = body.reshape(at["x"], [-1, cols])
                low, high = (
                    body.op(reduce, tokens, body.constant([1]), keepdims=0) for reduce in ("ReduceMin", "ReduceMax")
                )
                largest = body.op("Max", high, body.op("Neg", low), body.constant(1e-30, np.float32))
                return str(body.op("Mul", largest, body.constant(1 / self.ZERO, np.float32)))

            return graph.call("TokenScale", {"x": x}, build, self.codes.label("token_scale"))

        def integers() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                tokens = body.reshape(at["x"], [-1, cols])
                value = numpy_helper.from_array(np.array([self.ZERO], np.uint8))
                zero = body.op("ConstantOfShape", body.op("Shape", at["scale"]), value=value)
                return str(body.op("QuantizeLinear", tokens, at["scale"], zero, axis=0))

            return graph.call("Round8", {"x": x, "scale": scales}, build, self.codes.label("rounded"))

        scales = graph.shared(f"token_scale/{x}", scale)
        return graph.shared(f"rounded/{x}", integers), scales

    def multiplied(self, x: str, weights: str, factors: str) -> str:
        """x times int8 weights (inputs x outputs) and a factor for each output."""
        inputs, outputs = self.size()
        integers, scale = self.rounded(x, inputs)

        def build(body: Body, at: dict[str, str]) -> str:
            product = body.op("MatMulInteger", at["integers"], at["weights"], body.constant(self.ZERO, np.uint8))
            by_token = body.op("Mul", body.cast(product, np.float32), body.reshape(at["scale"], [-1, 1]))
            places = body.op("Shape", at["x"], start=0, end=-1)
            shape = body.op("Concat", places, body.constant([outputs]), axis=0)
            return str(body.op("Reshape", body.op("Mul", by_token, at["factors"]), shape))

        parts = {"x": x, "integers": integers, "weights": weights, "scale": scale, "factors": factors}
        return self.graph.call("Product8", parts, build, self.codes.label("product"))


class OutputCodesProduct(EightBitProduct):
    """Codes of W, whose rows are the outputs: y_i = s_i <q_i, R x>. The levels q are the weights, and never floats.

    Their largest is known, so each is bounded. At a fixed product of the bounds of inputs and weights, equal ones leave
    the smallest error.
    """

    ZERO = 90
    BOUND = MOST_SUM // (4 * ZERO)  # of a level

    def fits(self, transposed: bool) -> bool:
        return transposed

    def size(self) -> tuple[int, int]:
        return self.codes.spec["cols"], self.codes.spec["rows"]

    def times(self, x: str) -> str:
        graph, spec = self.graph, self.codes.spec
        rotated = self.rotated(x, spec["cols"], spec["rotation_seed"])
        label = self.codes.label("levels_by_input")
        weights = graph.shared(label, lambda: str(graph.op("Transpose", self.codes.levels(self.BOUND), perm=[1, 0])))
        return self.multiplied(rotated, weights, self._factors())

    def _factors(self) -> str:
        """What a row of levels is multiplied by, float32."""
        step = self.graph.op(
            "Gather", self.graph.constant(self.codes.level_steps(self.BOUND), np.float32), self.codes.steps()
        )
        return str(self.graph.op("Mul", self.graph.reshape(self.codes.row_scales(), [-1]), step))


class InputCodesProduct(EightBitProduct):
    """Codes of W^T, one for each input: y = sum_i (R_in x)_i c_i.

    The rows c_i are decoded to floats, as the outputs are rotated, and rounded with one scale for each output. Rounding
    levels instead would leave the rotation and the scales of the inputs to each product, for twice the error.
    Neighbors are seldom both large, so their sum is bounded, which leaves a smaller error than a bound of each.
    """

    ZERO = 105
    MOST, MOST_PAIR = 127, MOST_SUM // (2 * ZERO) - 1  # of a weight, and of the sum of two; rounding may add 1 to a sum

    def __init__(self, graph: Graph, decoder: InputCodes) -> None:
        codes: Any = decoder.nested("codes")
        super().__init__(graph, codes)
        self._spec = decoder.spec

    def fits(self, transposed: bool) -> bool:
        return transposed is bool(self._spec["inputs"] == "cols")

    def size(self) -> tuple[int, int]:
        return self.codes.spec["rows"], self.codes.spec["cols"]

    def times(self, x: str) -> str:
        if "input_rotation_seed" in self._spec:
            x = self.rotated(x, self.codes.spec["rows"], self._spec["input_rotation_seed"])
        return self.multiplied(x, *self._rounded_weights())

    def _rounded_weights(self) -> tuple[str, str]:
        """int8 weights, inputs x outputs, and the factor of each output."""
        graph = self.graph

        def factors() -> str:
            rows, axis = self.codes.matrix(), graph.constant([0])
            low, high = (graph.op(reduce, rows, axis, keepdims=0) for reduce in ("ReduceMin", "ReduceMax"))
            pairs = graph.op("ReduceL1", self._by_pairs(rows), graph.constant([1]), keepdims=0)
            most_pair = graph.op("ReduceMax", pairs, axis, keepdims=0)
            by_pair = graph.op("Mul", most_pair, graph.constant(1 / self.MOST_PAIR, np.float32))
            most = graph.op("Max", high, graph.op("Neg", low), graph.constant(1e-30, np.float32))
            return str(graph.op("Max", by_pair, graph.op("Mul", most, graph.constant(1 / self.MOST, np.float32))))

        def weights() -> str:
            zero = graph.constant(np.zeros(self.codes.spec["cols"]), np.int8)
            return str(graph.op("QuantizeLinear", self.codes.matrix(), factor, zero, axis=1))

        factor = graph.shared(self.codes.label("output_factors"), factors)
        return graph.shared(self.codes.label("rounded_weights"), weights), factor

    def _by_pairs(self, rows: str) -> str:
        """Pairs of neighboring inputs x 2 x outputs. The last input of an odd number pairs with zeros."""
        graph, (inputs, outputs) = self.graph, self.size()
        if inputs % 2:
            rows = graph.op("Pad", rows, graph.constant([0, 0, 1, 0]))
        return graph.reshape(rows, [-1, 2, outputs])
