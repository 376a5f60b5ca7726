# SPDX-License-Identifier: Apache-2.0
"""Structure `subspaces`: clusters of rows, each with a low-rank factorization of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from loewner.onnx.decoders.base import Arrays, Decoder
from loewner.onnx.graph import Body


class Subspaces(Decoder):
    """Row i of cluster c is left_c[p] right_c, where p is the number of rows of cluster c before i.

    Stored are `cluster`, `left`, the coordinates of all rows in the order of the rows, and `right`, the bases one below
    another. A row has the coordinates of its cluster in a vector of zeros that is as long as all bases together.
    """

    @staticmethod
    def to_stored(spec: dict[str, Any], arrays: Arrays) -> Arrays:
        labels = arrays["cluster"][:, 0]
        used = [c for c, dimension in enumerate(spec["dimensions"]) if dimension > 0]
        if not used:
            return {"cluster": arrays["cluster"]}
        starts, counts = _places(spec, labels)
        left = np.empty(int(counts.sum()), arrays[f"left_{used[0]}"].dtype)
        for c in used:
            places = starts[labels == c, None] + np.arange(spec["dimensions"][c])
            left[places] = arrays[f"left_{c}"]
        right = np.concatenate([arrays[f"right_{c}"] for c in used])
        return {"cluster": arrays["cluster"], "left": left, "right": right}

    @staticmethod
    def from_stored(spec: dict[str, Any], stored: Arrays) -> Arrays:
        labels, arrays = stored["cluster"][:, 0], {"cluster": stored["cluster"]}
        starts, _ = _places(spec, labels)
        first = 0
        for c, dimension in enumerate(spec["dimensions"]):
            if dimension > 0:
                arrays[f"left_{c}"] = stored["left"][starts[labels == c, None] + np.arange(dimension)]
                arrays[f"right_{c}"] = stored["right"][first : first + dimension]
                first += dimension
        return arrays

    def flat_rows(self, ids: str) -> str:
        dimensions = np.array(self.spec["dimensions"])
        total = int(dimensions.sum())
        if total == 0:
            zero = self.graph.op("Mul", self.graph.cast(ids, np.float32), self.graph.constant(0, np.float32))
            column = self.graph.op("Unsqueeze", zero, self.graph.constant([1]))
            return str(self.graph.op("Tile", column, self.graph.constant([1, self.spec["cols"]])))
        labels = self.graph.cast(self.graph.reshape(self.array("cluster"), [-1]), np.int32)
        counts = self.graph.op("Gather", self.graph.constant(dimensions, np.int32), labels)
        starts = self.graph.op("CumSum", counts, self.graph.constant(0), exclusive=1)
        parts = {
            "cluster": self.graph.op("Gather", labels, ids),
            "start": self.graph.op("Gather", starts, ids),
            "left": self.array("left"),
            "right": self.array("right"),
        }

        def build(body: Body, at: dict[str, str]) -> str:
            def of_cluster(values: Any) -> str:
                found = body.op("Gather", body.constant(values, np.int32), at["cluster"])
                return str(body.op("Unsqueeze", found, body.constant([1])))

            first = of_cluster(np.cumsum(dimensions) - dimensions)
            coordinate = body.op("Sub", body.constant(np.arange(total)[None], np.int32), first)
            is_own = body.op(
                "And",
                body.op("GreaterOrEqual", coordinate, body.constant(0, np.int32)),
                body.op("Less", coordinate, of_cluster(dimensions)),
            )
            place = body.op("Add", coordinate, body.op("Unsqueeze", at["start"], body.constant([1])))
            place = body.op("Where", is_own, place, body.constant(0, np.int32))
            left = body.cast(body.op("Gather", at["left"], place), np.float32)
            left = body.op("Where", is_own, left, body.constant(0, np.float32))
            return str(body.op("MatMul", left, body.cast(at["right"], np.float32)))

        return self.graph.call("Subspaces", parts, build, self.label("rows"))


def _places(spec: dict[str, Any], labels: Any) -> tuple[Any, Any]:
    """Where the coordinates of each row begin, and how many there are."""
    counts = np.array(spec["dimensions"])[labels]
    return np.cumsum(counts) - counts, counts
