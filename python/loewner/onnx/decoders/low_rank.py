# SPDX-License-Identifier: Apache-2.0
"""Structure `low_rank`: a matrix as the product of two factors."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.graph import Body


class LowRank(Decoder):
    """W = left right."""

    def flat_rows(self, ids: str) -> str:
        return self._product(self.graph.op("Gather", self.array("left"), ids))

    def matrix(self) -> str:
        return self._product(self.array("left"))

    def _product(self, left: str) -> str:
        def build(body: Body, at: dict[str, str]) -> str:
            return str(body.op("MatMul", body.cast(at["left"], np.float32), body.cast(at["right"], np.float32)))

        return self.graph.call("LowRank", {"left": left, "right": self.array("right")}, build, self.label("rows"))
