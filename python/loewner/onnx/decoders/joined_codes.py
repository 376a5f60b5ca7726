# SPDX-License-Identifier: Apache-2.0
"""Structure `joined_codes`: codes whose bands share one path of the trellis, with scales of one byte."""

from __future__ import annotations

import numpy as np

from loewner.onnx.decoders.base import Array
from loewner.onnx.decoders.codes import Codes

SCALES_OF_OCTAVE = 8


class JoinedCodes(Codes):
    """Row i is s_i R^-1 q_i in bands, with s_i a power of 2^(1/8)."""

    def row_scales(self) -> str:
        table = self.graph.constant(self._scale_values()[:, None], np.float32)
        return str(
            self.graph.op(
                "Gather", table, self.graph.cast(self.graph.reshape(self.array("log_scales"), [-1]), np.int32)
            )
        )

    def _scale_values(self) -> Array:
        """The scale of each byte."""
        codes = np.arange(256)
        significands = (2.0 ** (codes % SCALES_OF_OCTAVE / SCALES_OF_OCTAVE)).astype(np.float32)
        values = np.ldexp(significands, codes // SCALES_OF_OCTAVE + self.spec["scale_exponent"])
        return np.asarray(np.where(codes == 0, np.float32(0), values))

    def bytes_before(self, starts: Array, bits: Array, lengths: Array) -> Array:
        """The last byte of plane 0 of the band with bits before each band of a row."""
        ends = np.where(bits > 0, starts + lengths - 1, -1)
        before = np.maximum.accumulate(ends, axis=1)
        return np.concatenate([np.full((len(bits), 1), -1), before[:, :-1]], axis=1)
