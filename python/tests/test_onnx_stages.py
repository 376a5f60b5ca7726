# SPDX-License-Identifier: Apache-2.0
"""Matrices of ONNX files are decoded in stages: onnxruntime folds all of them, and needs less memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from loewner.onnx import stages
from loewner.onnx.decoders.base import new_decoder
from loewner.onnx.graph import OPSET, Graph

SIZE, BITS, LAYERS = 512, 3, 12
MEASURE = """
import sys
import onnx
import onnxruntime

def megabytes(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) / 1e3

options = onnxruntime.SessionOptions()
options.optimized_model_filepath = sys.argv[1] + ".optimized"
options.log_severity_level = 3
before = megabytes("VmRSS")
onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
peak = megabytes("VmHWM") - before
print(peak, {node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node} == {"MatMul"})
"""


def layers() -> onnx.ModelProto:
    """Layers of random codes, one after another."""
    rng = np.random.default_rng(0)
    graph, value = Graph(), "x"
    code_bytes = SIZE * BITS * SIZE // 8
    spec = {"structure": "codes", "rows": SIZE, "cols": SIZE, "rotation_seed": 7, "scale_exponent": -3}
    spec |= {"code_bytes": code_bytes, "has_shared": False}
    for layer in range(LAYERS):
        arrays: dict[str, Any] = {
            "codes": rng.integers(0, 256, (code_bytes, 1)).astype(np.uint8),
            "bits": np.full((SIZE // 2, 1), BITS | BITS << 4, np.uint8),
            "scales": rng.uniform(0.5, 1, (SIZE, 1)).astype(np.float16),
        }
        value = graph.op("MatMul", value, new_decoder(graph, f"{layer}.", spec, arrays).transposed())
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, SIZE]) for name in ("x", value)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "layers", infos[:1], infos[1:]),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    graph.insert_into(model)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def peak(file: Path) -> float:
    """The megabytes that loading takes at its peak. All layers are dense afterwards."""
    onnx.save(layers(), file)
    command = [sys.executable, "-c", MEASURE, str(file)]
    megabytes, folded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert folded == "True"
    return float(megabytes)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_stages_need_less_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_stages = peak(tmp_path / "stages.onnx")
    monkeypatch.setattr(stages, "STAGES", 1)
    assert in_stages < 0.6 * peak(tmp_path / "one.onnx")


def test_stages_have_about_equal_sizes_and_the_largest_is_first() -> None:
    graph = Graph()
    stages_of = stages.stages_of(graph)
    sizes = {stages_of.zero(size): size for size in (1, 4, *(1,) * 9)}
    stages_of.build()
    passes: dict[str, int] = {}
    for node in graph.nodes:  # each zero of a pass needs the one before
        passes[node.output[0]] = passes.get(node.input[0], 0) + (node.op_type == "NextPass")
    work = [sum(size for zero, size in sizes.items() if passes[zero] == number) for number in range(11)]
    assert work[0] == work[1] == work[10] == 0
    assert work[2] == 4 and sorted(work[3:10], reverse=True) == work[3:10] and sum(work) == 14
    assert max(work[3:10]) == 2 and min(work[3:10]) == 1
