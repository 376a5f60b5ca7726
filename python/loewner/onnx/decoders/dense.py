# SPDX-License-Identifier: Apache-2.0
"""Structure `dense`: the matrix itself in a number format of its own."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Decoder


class Dense(Decoder):
    """W itself, widened."""

    def flat_rows(self, ids: str) -> str:
        return self.graph.cast(self.graph.op("Gather", self.array("weight"), ids), np.float32)

    def matrix(self) -> str:
        return self.graph.cast(self.array("weight"), np.float32)
