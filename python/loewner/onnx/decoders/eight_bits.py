# SPDX-License-Identifier: Apache-2.0
"""Products with codes in integers of 8 bits: the levels as they are stored, times rotated inputs.

The levels become int8 when a file loads and are never floats. Inputs are rounded to 8 bits with one scale for each
token, in the rotated basis, where no entry is much larger than the others. Levels are at most 63 in absolute value, so
that sums of two products fit in 16 bits: processors without instructions for sums in 32 bits give the same integers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.codes import Codes
from loewner.onnx.decoders.input_codes import InputCodes
from loewner.onnx.graph import Body, Graph
from loewner.onnx.rotation import call_rotation

BOUND = 63
MOST_BITS = 6  # the mean of a matrix; with more, rounding to the bound costs more than the code
ZERO = 128  # the integer of an input of 0


class EightBitProduct(ABC):
    """x W^T, or x W for matrices whose rows are the inputs."""

    def __init__(self, graph: Graph, codes: Codes) -> None:
        self.graph, self.codes = graph, codes
        self._weights: str | None = None

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
    def times(self, x: str) -> str:
        """The product with x, whose last axis has the inputs."""

    def factors(self) -> str:
        """What a row of levels is multiplied by, float32: a vector."""
        step = self.graph.op(
            "Gather", self.graph.constant(self.codes.level_steps(BOUND), np.float32), self.codes.steps()
        )
        return str(self.graph.op("Mul", self.graph.reshape(self.codes.row_scales(), [-1]), step))

    def rotated(self, x: str, cols: int, seed: int) -> str:
        """R x. Layers with the same inputs share it."""
        label = self.codes.label("rotated")
        return self.graph.shared(
            f"rotated/{x}/{cols}/{seed}", lambda: call_rotation(self.graph, x, cols, seed, label, back=False)
        )

    def rounded(self, x: str) -> tuple[str, str]:
        """x as uint8, and the scale of each token."""
        graph = self.graph

        def scale() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                largest = body.op("ReduceMax", body.op("Abs", at["x"]), body.constant([-1]))
                positive = body.op("Max", largest, body.constant(1e-30, np.float32))
                return str(body.op("Mul", positive, body.constant(1 / 127, np.float32)))

            return graph.call("TokenScale", {"x": x}, build, self.codes.label("token_scale"))

        def integers() -> str:
            def build(body: Body, at: dict[str, str]) -> str:
                shifted = body.op("Add", body.op("Div", at["x"], at["scale"]), body.constant(ZERO + 0.5, np.float32))
                return str(body.cast(shifted, np.uint8))  # towards zero: the half above rounds

            return graph.call("Round8", {"x": x, "scale": scales}, build, self.codes.label("rounded"))

        scales = graph.shared(f"token_scale/{x}", scale)
        return graph.shared(f"rounded/{x}", integers), scales

    def multiplied(self, x: str, weights: str) -> str:
        """x times int8 weights (inputs x outputs), without the factors of the weights."""
        integers, scale = self.rounded(x)

        def build(body: Body, at: dict[str, str]) -> str:
            product = body.op("MatMulInteger", at["x"], at["weights"], body.constant(ZERO, np.uint8))
            return str(body.op("Mul", body.cast(product, np.float32), at["scale"]))

        parts = {"x": integers, "weights": weights, "scale": scale}
        return self.graph.call("Product8", parts, build, self.codes.label("product"))

    def levels(self) -> str:
        """The levels as int8, rows x cols of the codes; one value for all products."""
        if self._weights is None:
            self._weights = self.codes.levels(BOUND)
        return self._weights


class OutputCodesProduct(EightBitProduct):
    """Codes of W, whose rows are the outputs: y_i = s_i <q_i, R x>."""

    def fits(self, transposed: bool) -> bool:
        return transposed

    def times(self, x: str) -> str:
        graph, spec = self.graph, self.codes.spec
        rotated = self.rotated(x, spec["cols"], spec["rotation_seed"])
        weights = graph.shared(
            f"{self.codes.prefix}/levels_by_input", lambda: str(graph.op("Transpose", self.levels(), perm=[1, 0]))
        )
        return str(graph.op("Mul", self.multiplied(rotated, weights), self.factors()))


class InputCodesProduct(EightBitProduct):
    """Codes of W^T, one for each input: y = R_out^-1 sum_i (R_in x)_i s_i q_i."""

    def __init__(self, graph: Graph, decoder: InputCodes) -> None:
        codes: Any = decoder.nested("codes")
        super().__init__(graph, codes)
        self._spec = decoder.spec

    def fits(self, transposed: bool) -> bool:
        return transposed is bool(self._spec["inputs"] == "cols")

    def times(self, x: str) -> str:
        spec = self.codes.spec
        if "input_rotation_seed" in self._spec:
            x = self.rotated(x, spec["rows"], self._spec["input_rotation_seed"])
        weighted = str(self.graph.op("Mul", x, self.factors()))
        product = self.multiplied(weighted, self.levels())
        label = self.codes.label("rotated_back")
        return call_rotation(self.graph, product, spec["cols"], spec["rotation_seed"], label, back=True)
