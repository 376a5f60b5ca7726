# SPDX-License-Identifier: Apache-2.0
"""Constant folding in stages, so that the values of one stage are freed before those of the next are made.

onnxruntime folds constants in at most ten passes over a graph. It frees the values that nothing uses at the end of a
pass, and without stages it folds all matrices in the first one. Here every matrix waits for a zero that becomes
constant in the pass of its stage. Runtimes that fold everything at once only need more memory.
"""

from __future__ import annotations

import numpy as np

from loewner.onnx.graph import Body, Graph

STAGES = 7  # in passes 2, 3, ...; the first makes what matrices share


def assign_stage(graph: Graph, size: int) -> int:
    """The number of the stage with the fewest entries so far, which gets a matrix of so many more."""
    graph.stage_sizes = graph.stage_sizes or [0] * STAGES
    stage = int(np.argmin(graph.stage_sizes))
    graph.stage_sizes[stage] += size
    return stage


def zero_of_stage(graph: Graph, stage: int) -> str:
    """An int64 zero that becomes constant in the pass of a stage."""
    return graph.shared(f"zero_of_stage_{stage}", lambda: graph.cast(_zero_of_pass(graph, stage + 2), np.int64))


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
