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

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.code_levels import level_steps
from loewner.onnx.decoders.codes import Codes
from loewner.onnx.decoders.input_codes import InputCodes
from loewner.onnx.graph import Body, Graph
from loewner.onnx.rotation import block_of, call_rotation, rest_of_rotation, rotated_in_blocks

MOST_SUM = 32767  # of the products of two neighbors
MOST_BITS = 6  # the mean of a matrix; with more, rounding to the bound costs more than the code


class EightBitProduct(ABC):
    """x W^T, or x W for matrices whose rows are the inputs."""

    ZERO: int  # the integer of an input of 0; inputs are rounded to 0, ..., 2 ZERO

    def __init__(self, graph: Graph, codes: Codes, given: str) -> None:
        """given: an input of the model."""
        self.graph, self.codes, self._given = graph, codes, given

    @staticmethod
    def of(graph: Graph, decoder: Decoder, given: str) -> EightBitProduct | None:
        """The product of a decoder, or None if its structure has none or has more bits than it keeps."""
        product: EightBitProduct | None = None
        if isinstance(decoder, Codes) and not decoder.has_shared():
            product = OutputCodesProduct(graph, decoder, given)
        elif isinstance(decoder, InputCodes):
            product = InputCodesProduct(graph, decoder, given)
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

    def rounded(self, x: str) -> tuple[str, str]:
        """x as uint8, in multiples of a ZERO-th of the largest entry of each token, and that entry (a last axis of 1).

        Short batches cost as much time as they have nodes. QuantizeLinear with a scale for each token would need more.
        """
        graph = self.graph

        def largest() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                axis = body.constant([-1])
                low, high = (body.op(reduce, at["x"], axis, keepdims=1) for reduce in ("ReduceMin", "ReduceMax"))
                return str(body.op("Max", high, body.op("Neg", low), body.constant(1e-30, np.float32)))

            return graph.call("LargestOfToken", {"x": x}, build, self.codes.label("largest"))

        def integers() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                step, zero = body.constant(1 / self.ZERO, np.float32), body.constant(self.ZERO, np.uint8)
                return str(body.op("QuantizeLinear", body.op("Div", at["x"], at["largest"]), step, zero))

            return graph.call("Round8", {"x": x, "largest": of_token}, build, self.codes.label("rounded"))

        of_token = graph.shared(f"largest/{x}", largest)
        return graph.shared(f"rounded/{x}", integers), of_token

    def multiplied(self, x: str, weights: str, factors: str) -> str:
        """x times int8 weights (inputs x outputs) and a factor for each output.

        Where two numbers are the scales, and one of them is not known at load, onnxruntime multiplies and scales in one
        operator and never writes the sums, which take as much memory as the outputs. So the factors are times one.
        """
        integers, largest = self.rounded(x)

        def build(body: Body, at: dict[str, str]) -> str:
            sums = body.op("MatMulInteger", at["integers"], at["weights"], body.constant(self.ZERO, np.uint8))
            factors = body.op("Mul", at["one"], at["factors"])
            return str(body.op("Mul", body.op("Mul", body.cast(sums, np.float32), factors), at["largest"]))

        factors = self.graph.op("Mul", factors, self.graph.constant(1 / self.ZERO, np.float32))
        parts = {"integers": integers, "weights": weights, "largest": largest, "factors": factors, "one": self._one()}
        return self.graph.call("Product8", parts, build, self.codes.label("product"))

    def _one(self) -> str:
        """A one that runtimes do not know when they load the file, float32."""

        def one() -> str:
            size = self.graph.op("Size", self._given)
            return self.graph.cast(self.graph.op("Equal", size, size), np.float32)

        return self.graph.shared("one", one)


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
        step = self.graph.op("Gather", self.graph.constant(level_steps(self.BOUND), np.float32), self.codes.steps())
        return str(self.graph.op("Mul", self.graph.reshape(self.codes.row_scales(), [-1]), step))


class InputCodesProduct(EightBitProduct):
    """Codes of W^T, one for each input: y = sum_i (R_in x)_i c_i.

    The rows c_i are decoded to floats, as the outputs are rotated, and rounded with one scale for each output. Rounding
    levels instead would leave the rotation and the scales of the inputs to each product, for twice the error. The
    floats also take most of R_in, which mixes few inputs in each product then.
    Neighbors are seldom both large, so their sum is bounded, which leaves a smaller error than a bound of each.
    """

    ZERO = 105
    MOST, MOST_PAIR = 127, MOST_SUM // (2 * ZERO) - 1  # of a weight, and of the sum of two; rounding may add 1 to a sum

    def __init__(self, graph: Graph, decoder: InputCodes, given: str) -> None:
        codes: Any = decoder.nested("codes")
        super().__init__(graph, codes, given)
        self._spec = decoder.spec

    def fits(self, transposed: bool) -> bool:
        return transposed is bool(self._spec["inputs"] == "cols")

    def size(self) -> tuple[int, int]:
        return self.codes.spec["rows"], self.codes.spec["cols"]

    def times(self, x: str) -> str:
        return self.multiplied(self.rotated_inputs(x), *self.rounded_weights())

    def rotated_inputs(self, x: str) -> str:
        """The inputs, of whose rotation a product takes the cheap part; the weights have the rest."""
        if "input_rotation_seed" not in self._spec:
            return x
        graph, inputs, seed = self.graph, self.size()[0], self._spec["input_rotation_seed"]
        if block_of(inputs) == 0:
            return self.rotated(x, inputs, seed)
        key, label = f"rotated_in_blocks/{x}/{inputs}/{seed}", self.codes.label("rotated")
        return graph.shared(key, lambda: rotated_in_blocks(graph, x, inputs, seed, label))

    def rounded_weights(self) -> tuple[str, str]:
        """int8 weights, inputs x outputs, and the factor of each output."""
        graph, (inputs, outputs), label = self.graph, self.size(), self.codes.label

        def factors() -> str:
            return graph.call("OutputFactors", {"pairs": self._pairs()}, self._build_factors, label("factors"))

        def weights() -> str:
            zero = graph.constant(np.zeros(outputs), np.int8)
            rounded = graph.op("QuantizeLinear", self._pairs(), factor, zero, axis=2)
            flat = graph.reshape(rounded, [-1, outputs])
            return graph.slice(flat, 0, inputs, 0) if inputs % 2 else flat

        factor = graph.shared(label("output_factors"), factors)
        return graph.shared(label("rounded_weights"), weights), factor

    def _pairs(self) -> str:
        """The weights as floats: pairs of neighboring inputs x 2 x outputs. A last odd input pairs with zeros."""
        graph, (inputs, outputs) = self.graph, self.size()

        def pairs() -> str:
            rows = self.codes.matrix()
            if "input_rotation_seed" in self._spec and block_of(inputs) > 0:
                rows = rest_of_rotation(graph, rows, inputs)
            if inputs % 2:
                rows = graph.op("Pad", graph.reshape(rows, [inputs, outputs]), graph.constant([0, 0, 1, 0]))
            return graph.reshape(rows, [-1, 2, outputs])

        return graph.shared(self.codes.label("pairs"), pairs)

    def _build_factors(self, body: Body, at: dict[str, str]) -> str:
        all_inputs = body.constant([0, 1])
        low, high = (body.op(reduce, at["pairs"], all_inputs, keepdims=0) for reduce in ("ReduceMin", "ReduceMax"))
        sums = body.op("ReduceL1", at["pairs"], body.constant([1]), keepdims=0)
        most_pair = body.op("ReduceMax", sums, body.constant([0]), keepdims=0)
        by_pair = body.op("Mul", most_pair, body.constant(1 / self.MOST_PAIR, np.float32))
        most = body.op("Max", high, body.op("Neg", low), body.constant(1e-30, np.float32))
        return str(body.op("Max", by_pair, body.op("Mul", most, body.constant(1 / self.MOST, np.float32))))
