# SPDX-License-Identifier: Apache-2.0
"""Structure `input_codes`: a linear layer with one coded vector for each input."""

from __future__ import annotations

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.rotation import LARGEST_MATRIX, call_rotation, rotation_matrix


class InputCodes(Decoder):
    """W^T, or W if its rows are the inputs, is R^T C: a rotation R of the inputs and codes C (inputs x outputs)."""

    def whole(self) -> str:
        return self._by_input() if self.spec["inputs"] == "rows" else self.turned(self.transposed())

    def whole_transposed(self) -> str:
        return self._by_input() if self.spec["inputs"] == "cols" else self.turned(self.matrix())

    def _by_input(self) -> str:
        """R^T C, inputs x outputs."""
        graph, codes = self.graph, self.nested("codes").matrix()
        if "input_rotation_seed" not in self.spec:
            return codes
        inputs, seed = self.spec["codes"]["rows"], self.spec["input_rotation_seed"]
        if inputs > LARGEST_MATRIX:
            label = self.label("rotated_back")
            return self.turned(call_rotation(graph, self.turned(codes), inputs, seed, label, back=True))
        return str(graph.op("MatMul", rotation_matrix(graph, inputs, seed, back=False), codes))
