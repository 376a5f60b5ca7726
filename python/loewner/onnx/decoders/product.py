# SPDX-License-Identifier: Apache-2.0
"""Structure `product`: a product of two coded factors."""

from __future__ import annotations

from loewner.onnx.decoders.base import Decoder


class Product(Decoder):
    """W = left right. The right factor is decoded once, when the file loads."""

    def flat_rows(self, ids: str) -> str:
        return self.nested("left").flat_rows_times(ids, self.nested("right").matrix())

    def matrix(self) -> str:
        return str(self.graph.op("MatMul", self.nested("left").matrix(), self.nested("right").matrix()))
