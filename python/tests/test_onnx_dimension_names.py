# SPDX-License-Identifier: Apache-2.0
"""The names of dynamic sizes in exported files let onnxruntime free the widest values of a layer before the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from loewner.onnx.export.dimension_names import separate_dimension_names

WIDTH, WIDEST, LENGTH, LAYERS = 64, 2048, 2048, 3
LAYER = """
    wide_{n} = MatMul(x_{n}, up)
    changed_{n} = Erf(wide_{n})
    narrow_{n} = MatMul(changed_{n}, down)
    turned_{n} = Transpose <perm = [0, 2, 1]> (narrow_{n})
    scores_{n} = MatMul(narrow_{n}, turned_{n})
    shares_{n} = Softmax(scores_{n})
    mixed_{n} = MatMul(shares_{n}, narrow_{n})
    x_{next} = Add(x_{n}, mixed_{n})
"""
MEASURE = """
import sys
import numpy as np
import onnxruntime

def megabytes(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) / 1e3

options = onnxruntime.SessionOptions()
options.enable_cpu_mem_arena = False
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
given = np.ones((1, int(sys.argv[2]), int(sys.argv[3])), np.float32)
before = megabytes("VmRSS")
result = session.run(None, {"x_0": given})[0]
print(megabytes("VmHWM") - before, np.abs(result).sum())
"""


def layers() -> onnx.ModelProto:
    """Layers with a wide product and with scores of all pairs of tokens."""
    nodes = "".join(LAYER.format(n=n, next=n + 1) for n in range(LAYERS))
    rows = f"float[batch, length, {WIDTH}]"
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 18]> layers ({rows} x_0) => ({rows} x_{LAYERS}) {{ {nodes} }}'
    )
    for name, shape in (("up", (WIDTH, WIDEST)), ("down", (WIDEST, WIDTH))):
        values = np.full(shape, 1e-3, np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return onnx.shape_inference.infer_shapes(model)


def sizes_of(model: onnx.ModelProto) -> dict[str, tuple[str | int, ...]]:
    return {
        value.name: tuple(size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim)
        for value in model.graph.value_info
    }


def test_wide_values_of_each_layer_have_names_of_their_own() -> None:
    model = layers()
    before = sizes_of(model)
    separate_dimension_names(model.graph)
    sizes = sizes_of(model)
    assert sizes["changed_1"] == sizes["wide_1"] and sizes["shares_1"] == sizes["scores_1"]
    assert len({sizes[f"{kind}_{n}"][:2] for kind in ("wide", "scores") for n in range(LAYERS)}) == 2 * LAYERS
    assert sizes["x_1"] == before["x_1"] == ("batch", "length", WIDTH)
    assert all(size[2:] == before[name][2:] for name, size in sizes.items() if name.startswith("wide"))


def test_rounded_inputs_have_the_names_of_their_product() -> None:
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["": 18]>
        rounded (float[batch, length, 4] x, float one, uint8 zero, int8[4, 8] w, uint8[4, 4] other)
            => (float[batch, length, 4] y) {
            alone = QuantizeLinear(x, one, zero)
            wide = MatMulInteger(alone, w)
            shared = QuantizeLinear(x, one, zero)
            wide_2 = MatMulInteger(shared, w)
            narrow = MatMulInteger(shared, other)
            y = Identity(x)
        }"""
    )
    model = onnx.shape_inference.infer_shapes(model)
    separate_dimension_names(model.graph)
    sizes = sizes_of(model)
    assert sizes["alone"][:2] == sizes["wide"][:2] != ("batch", "length")
    assert sizes["shared"][:2] == ("batch", "length") != sizes["wide_2"][:2]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_forward_holds_the_values_of_one_layer(tmp_path: Path) -> None:
    def megabytes_and_sum(name: str, model: onnx.ModelProto) -> list[float]:
        onnx.save(model, tmp_path / name)
        command = [sys.executable, "-c", MEASURE, str(tmp_path / name), str(LENGTH), str(WIDTH)]
        # glibc returns blocks above the threshold as soon as they are freed
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return [float(text) for text in done.stdout.split()]

    model = layers()
    plain, expected = megabytes_and_sum("plain.onnx", model)
    separate_dimension_names(model.graph)
    separate, result = megabytes_and_sum("separate.onnx", model)
    assert result == expected
    assert separate < 0.8 * plain
