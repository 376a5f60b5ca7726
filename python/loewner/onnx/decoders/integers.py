# SPDX-License-Identifier: Apache-2.0
"""Structure `integers`: groups of entries rounded to equally spaced values."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Decoder
from loewner.onnx.decoders.code_levels import high_halves
from loewner.onnx.graph import Body


class Integers(Decoder):
    """Each group of entries is offset + step * integers."""

    def flat_rows(self, ids: str) -> str:
        names = ("codes", "steps", "offsets")
        return self._decoded({name: self.graph.op("Gather", self.array(name), ids) for name in names})

    def matrix(self) -> str:
        codes = self.graph.op("Gather", self.array("codes"), self.all_rows())
        return self._decoded({"codes": codes, "steps": self.array("steps"), "offsets": self.array("offsets")})

    def scaled(self, name: str) -> str:
        """The steps or the offsets of all groups, rows x groups, float32."""
        factor = self.graph.constant(2.0 ** self.spec["scale_exponent"], np.float32)
        return str(self.graph.op("Mul", self.graph.cast(self.array(name), np.float32), factor))

    def _decoded(self, parts: dict[str, str]) -> str:
        bits, group, cols = self.spec["bits"], self.spec["group"], self.spec["cols"]
        group = min(group, cols)
        groups = -(-cols // group)
        factor = 2.0 ** self.spec["scale_exponent"]

        def build(body: Body, at: dict[str, str]) -> str:
            codes = at["codes"]
            if bits == 4:
                halves = [
                    body.op("BitwiseAnd", codes, body.constant(15, np.uint8)),
                    high_halves(body, codes),
                ]
                last = [body.op("Unsqueeze", half, body.constant([2])) for half in halves]
                codes = body.reshape(body.op("Concat", *last, axis=2), [0, -1])
            stored = -(-cols * bits // 8) * 8 // bits
            missing = groups * group - stored
            if missing > 0:
                codes = body.op("Pad", codes, body.constant([0, missing]), "", body.constant([1]))
            elif missing < 0:
                codes = body.slice(codes, 0, groups * group, 1)
            grouped = body.cast(body.reshape(codes, [-1, groups, group]), np.float32)
            step, offset = (
                body.op(
                    "Unsqueeze",
                    body.op("Mul", body.cast(at[name], np.float32), body.constant(factor, np.float32)),
                    body.constant([2]),
                )
                for name in ("steps", "offsets")
            )
            entries = body.op("Add", offset, body.op("Mul", step, grouped))
            entries = body.reshape(entries, [-1, groups * group])
            return body.slice(entries, 0, cols, 1) if groups * group > cols else entries

        return self.graph.call(f"Integers{bits}", parts, build, self.label("rows"))
