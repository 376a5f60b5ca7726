# SPDX-License-Identifier: Apache-2.0
"""Structure `archetypes`: convex mixtures of a few archetypes, plus a coded residual."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.graph import Body


class Archetypes(Decoder):
    """Row i is a scaled convex mixture of a few archetypes, plus row i of a coded residual."""

    def flat_rows(self, ids: str) -> str:
        parts = {name: self.graph.op("Gather", self.array(name), ids) for name in ("indices", "weights", "scales")}
        parts["archetypes"] = self.array("archetypes")
        factor = 2.0 ** self.spec["scale_exponent"] / 255

        def build(body: Body, at: dict[str, str]) -> str:
            index = body.cast(at["indices"], np.int32)
            if self.spec["archetypes"] > 256:
                pairs = body.reshape(index, [0, -1, 2])
                halves = [body.op("Gather", pairs, body.constant(half), axis=2) for half in (0, 1)]
                index = body.op("Add", halves[0], body.op("Mul", halves[1], body.constant(256, np.int32)))
            scale = body.op("Mul", body.cast(at["scales"], np.float32), body.constant(factor, np.float32))
            weight = body.op("Mul", body.cast(at["weights"], np.float32), scale)
            chosen = body.op("Gather", body.cast(at["archetypes"], np.float32), index)
            mixed = body.op("MatMul", body.op("Unsqueeze", weight, body.constant([1])), chosen)
            return str(body.op("Squeeze", mixed, body.constant([1])))

        mixed = self.graph.call("Archetypes", parts, build, self.label("rows"))
        if "residual" not in self.spec:
            return mixed
        return str(self.graph.op("Add", self.nested("residual").flat_rows(ids), mixed))
