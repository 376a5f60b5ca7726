# SPDX-License-Identifier: Apache-2.0
"""Constant folding in stages, so that the values of one stage are freed before those of the next are made.

onnxruntime folds constants in at most ten passes over a graph. It frees the values that nothing uses at the end of a
pass, and without stages it folds all matrices in the first one. Here every matrix waits for a zero that becomes
constant in the pass of its stage. Runtimes that fold everything at once only need more memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from onnx import TensorProto

from loewner.onnx.graph import Body, Graph

STAGES = 8  # in passes 2, 3, ...; the first makes what matrices share, and small tables


class _Waiting(NamedTuple):
    """Work that waits for a zero."""

    size: int
    zero: str


class Stages:
    """The stages of a graph.

    Decoded matrices stay in memory, so stages with much work come first. A size is the number of entries of codes whose
    decoding leaves as many bytes behind, about 45 for each.
    """

    order = 1

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._waiting: list[_Waiting] = []

    def zero(self, size: int) -> str:
        """An int64 zero that becomes constant in the pass of a stage, for work of some size."""
        self._waiting.append(_Waiting(size, self._graph.fresh("zero_of_stage")))
        return self._waiting[-1].zero

    def mean_size(self, more: int) -> float:
        """Of a stage, with more work to come."""
        return (sum(work.size for work in self._waiting) + more) / STAGES

    def build(self) -> None:
        """Divide the work among the stages: the largest first, to the stage with the least so far."""
        sizes, members = [0] * STAGES, [list[str]() for _ in range(STAGES)]
        for work in sorted(self._waiting, key=lambda work: -work.size):
            stage = int(np.argmin(sizes))
            sizes[stage] += work.size
            members[stage].append(work.zero)
        for place, stage in enumerate(np.argsort(sizes, kind="stable")[::-1]):
            for zero in members[stage]:
                self._graph.op("Cast", _zero_of_pass(self._graph, place + 2), outputs=[zero], to=TensorProto.INT64)


def stages_of(graph: Graph) -> Stages:
    return graph.at_end(Stages)


def _zero_of_pass(graph: Graph, number: int) -> str:
    """A float32 zero that becomes constant in pass 1, 2, ..."""
    before = _zero_of_pass(graph, number - 1) if number > 1 else graph.constant(0, np.float32)
    key = f"zero_of_pass_{number}"
    return graph.shared(key, lambda: graph.call("NextPass", {"zero": before}, _build_next, key))


def _build_next(body: Body, at: dict[str, str]) -> str:
    """A zero that becomes constant one pass after another one.

    onnxruntime folds DequantizeLinear only with QuantizeLinear and one operator of a single input between them. The sum
    is a second operator. A pass removes it at its start if one of the terms is a constant zero by then.
    """
    integer, step = body.constant(0, np.int8), body.constant(1, np.float32)
    total = body.op("Add", body.op("DequantizeLinear", integer, step), at["zero"])
    return body.cast(body.op("QuantizeLinear", body.op("Abs", total), step, integer), np.float32)
