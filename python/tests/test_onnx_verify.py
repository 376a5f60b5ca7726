# SPDX-License-Identifier: Apache-2.0
"""verify of a compressed ONNX file, against its original and without it."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import loewner
import onnx
import pytest
from onnx import numpy_helper
from onnx_models import encoder, saved


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    """A model and its compressed copy."""
    model = saved(encoder(), tmp_path / "model.onnx")
    loewner.compress(model, tmp_path / "small.onnx", bits=6, selection="all", text="none")
    return model, tmp_path / "small.onnx"


def test_verify_holds_for_an_output_and_finds_changes(small: tuple[Path, Path]) -> None:
    model, output = small
    report = loewner.verify(output, model)
    assert report.holds, report.failures
    assert loewner.verify(output).holds


@pytest.mark.parametrize("name", ["words.codes", "up_bias"])
def test_verify_finds_a_changed_array(small: tuple[Path, Path], name: str) -> None:
    model, output = small
    proto = onnx.load(output)
    tensor = next(entry for entry in proto.graph.initializer if entry.name == name)
    data = bytearray(tensor.raw_data)
    data[len(data) // 2] ^= 1
    tensor.raw_data = bytes(data)
    onnx.save(proto, output)
    assert not loewner.verify(output, model).holds


@pytest.mark.parametrize("data", [None, "weights.data"])
def test_verify_without_the_original_finds_each_flipped_bit(data: str | None, tmp_path: Path) -> None:
    model, output = saved(encoder(), tmp_path / "model.onnx", data), tmp_path / "out" / "small.onnx"
    output.parent.mkdir()
    loewner.compress(model, output, bits=4, selection="all")
    assert loewner.verify(output).holds
    files = [file for file in output.parent.iterdir() if file.is_file()]
    assert len(files) == (1 if data is None else 2)
    draws = random.Random(0)
    for file in files:
        content = file.read_bytes()
        for _ in range(40):
            place, bit = draws.randrange(len(content)), draws.randrange(8)
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            file.write_bytes(flipped)
            with contextlib.suppress(loewner.IoError):
                assert not loewner.verify(output).holds, (file.name, place, bit)
        file.write_bytes(content)


def test_verify_finds_a_changed_node(small: tuple[Path, Path]) -> None:
    model, output = small
    proto = onnx.load(output)
    next(node for node in proto.graph.node if node.op_type == "Relu").op_type = "Abs"
    onnx.save(proto, output)
    assert not loewner.verify(output, model).holds


# The graph and not the arrays are wrong: only the runtime can tell.
def test_verify_finds_a_wrong_decoder(small: tuple[Path, Path]) -> None:
    model, output = small
    proto = onnx.load(output)
    levels = next(t for t in proto.graph.initializer if t.name.startswith("loewner/") and t.data_type == 1)
    levels.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(levels), levels.name))
    onnx.save(proto, output)
    assert any("wrongly" in failure for failure in loewner.verify(output, model).failures)
