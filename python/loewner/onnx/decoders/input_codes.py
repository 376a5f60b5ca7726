# SPDX-License-Identifier: Apache-2.0
"""Structure `input_codes`: a linear layer with one coded vector for each input."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.graph import Body
from loewner.onnx.rotation import rotated_back, rotation_parameters, signs_of


class InputCodes(Decoder):
    """W^T, or W if its rows are the inputs, is R^T C: a rotation R of the inputs and codes C (inputs x outputs)."""

    def whole(self) -> str:
        by_output = str(self.graph.op("Transpose", self.nested("codes").matrix(), perm=[1, 0]))
        if "input_rotation_seed" in self.spec:
            by_output = self._rotated_back(by_output)
        if self.spec["inputs"] == "cols":
            return by_output
        return str(self.graph.op("Transpose", by_output, perm=[1, 0]))

    def _rotated_back(self, by_output: str) -> str:
        inputs = self.spec["codes"]["rows"]

        def build(body: Body, at: dict[str, str]) -> str:
            return rotated_back(body, at["x"], inputs, body.cast(at["signs"], np.float32), at)

        signs = self.graph.constant(signs_of(inputs, self.spec["input_rotation_seed"]), np.int8)
        parts = {"x": by_output, "signs": signs, **rotation_parameters(self.graph, inputs)}
        return self.graph.call(f"RotateBack{inputs}", parts, build, self.label("rotated_back"))
