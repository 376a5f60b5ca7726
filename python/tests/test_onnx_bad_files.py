# SPDX-License-Identifier: Apache-2.0
"""Broken and hostile ONNX files: one line that names the file and the place, and nothing written."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fault_tools as ft
import loewner
import numpy as np
import onnx
import pytest
from loewner.onnx.reading import open_onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx_models import VOCABULARY, WIDTH, encoder, saved

Change = Callable[[ModelProto], None]


def initializer(model: ModelProto, name: str) -> TensorProto:
    found: TensorProto = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    return found


def node(model: ModelProto, name: str) -> NodeProto:
    found: NodeProto = next(entry for entry in model.graph.node if entry.name == name)
    return found


def make_cycle(model: ModelProto) -> None:
    node(model, "up_layer").input[0] = "vectors"


def use_unknown_value(model: ModelProto) -> None:
    node(model, "up_layer").input[0] = "nowhere"


def compute_twice(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Relu", ["embedded"], ["inner"], "second"))


def repeat_initializer(model: ModelProto) -> None:
    model.graph.initializer.append(initializer(model, "up"))


def cut_data(model: ModelProto) -> None:
    initializer(model, "up").raw_data = initializer(model, "up").raw_data[:-4]


def negative_size(model: ModelProto) -> None:
    initializer(model, "up").dims[0] = -1


def huge_size(model: ModelProto) -> None:
    initializer(model, "up").dims[0] = 1 << 62


def unknown_type(model: ModelProto) -> None:
    initializer(model, "up").data_type = 99


def unknown_opset(model: ModelProto) -> None:
    model.opset_import[0].version = 999


def old_opset(model: ModelProto) -> None:
    model.opset_import[0].version = 7


def no_opset(model: ModelProto) -> None:
    del model.opset_import[:]


def no_graph(model: ModelProto) -> None:
    model.ClearField("graph")


def not_a_number(model: ModelProto) -> None:
    put(model, "up", (3, 5), np.nan)


def infinite(model: ModelProto) -> None:
    put(model, "words", (7, 2), np.inf)


def put(model: ModelProto, name: str, place: tuple[int, int], value: float) -> None:
    values = numpy_helper.to_array(initializer(model, name)).copy()
    values[place] = value
    initializer(model, name).CopyFrom(numpy_helper.from_array(values, name))


def initializer_as_input(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("words", TensorProto.FLOAT, [VOCABULARY, WIDTH]))


def initializer_as_output(model: ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("words", TensorProto.FLOAT, [VOCABULARY, WIDTH]))


def use_in_body(model: ModelProto) -> None:
    output = [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)]
    body = helper.make_graph([helper.make_node("Identity", ["words"], ["chosen"])], "body", [], output)
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(helper.make_node("If", ["yes"], ["either"], "choice", then_branch=body, else_branch=body))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (make_cycle, "node 'up_layer' (MatMul) uses 'vectors' before it is computed: the graph has a cycle"),
        (use_unknown_value, "node 'up_layer' (MatMul) uses 'nowhere' that nothing computes"),
        (compute_twice, "node 'second' (Relu) computes 'inner' a second time"),
        (repeat_initializer, "initializer 'up' must not be repeated"),
        (cut_data, "initializer 'up': shape [128, 256] needs 131072 bytes, got 131068"),
        (negative_size, "initializer 'up': dimensions must not be negative"),
        (huge_size, "initializer 'up': shape"),
        (unknown_type, "initializer 'up': data type 99 is unknown"),
        (unknown_opset, "opset 999 is not read"),
        (old_opset, "opset 7 is not read: expected 11"),
        (no_opset, "opset_import must name the domain ai.onnx once"),
        (no_graph, "is no ONNX model"),
        (not_a_number, "initializer 'up': entry [3, 5] must be finite, got nan"),
        (infinite, "initializer 'words': entry [7, 2] must be finite, got inf"),
        (initializer_as_input, "initializer 'words': is also an input of the graph"),
        (initializer_as_output, "initializer 'words': is also an output of the graph"),
        (use_in_body, "initializer 'words': the body of node 'choice' (If) uses it"),
    ],
)
def test_broken_files_are_refused_by_place(tmp_path: Path, change: Change, message: str) -> None:
    model = encoder()
    change(model)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    refuse(tmp_path, message)


def refuse(folder: Path, message: str) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(OSError) as error:
        loewner.compress(folder / "model.onnx", folder / "small.onnx", bits=4, selection="all", text="none")
    assert message in str(error.value)
    assert str(folder / "model.onnx") in str(error.value)
    assert sorted(folder.iterdir()) == before


def test_matrices_that_are_left_out_may_be_used_in_bodies(tmp_path: Path) -> None:
    model = saved(encoder(change=use_in_body), tmp_path / "model.onnx")
    loewner.compress(model, tmp_path / "small.onnx", bits=4, selection="all", exclude="words", text="none")


@pytest.mark.parametrize("content", [b"", b"\0", b"not a model", b"\x08\x07", bytes(range(256)) * 10])
def test_other_files_are_no_models(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    refuse(tmp_path, "is no ONNX model")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    inner = b""
    for _ in range(400):  # attributes with graphs with nodes with attributes ...
        for field in (0x0A, 0x2A, 0x32):
            inner = bytes([field]) + length(len(inner)) + inner
    (tmp_path / "model.onnx").write_bytes(b"\x3a" + length(len(inner)) + inner)
    refuse(tmp_path, "is no ONNX model")


def length(size: int) -> bytes:
    """A protobuf varint."""
    out = bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes([*out, size])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"location": "../data"}, "external data must lie in the model's folder, got location '../data'"),
        ({"location": "/etc/passwd"}, "external data must lie in the model's folder"),
        ({"location": "a/../../data"}, "external data must lie in the model's folder"),
        ({"location": ""}, "external data must lie in the model's folder"),
        ({"location": "missing"}, "external data 'missing' do not exist"),
        ({"location": "link"}, "external data 'link' lead out of the model's folder"),
        ({"location": "data", "offset": "-4"}, "offset of external data must be a number of bytes, got '-4'"),
        ({"location": "data", "offset": "1" * 30}, "offset of external data must be a number of bytes"),
        ({"location": "data", "length": "16"}, "needs 131072 bytes, external data have 16"),
        ({"location": "data", "offset": "64"}, "external data end at 131136"),
    ],
)
def test_external_data_stay_in_their_folder(tmp_path: Path, entries: dict[str, str], message: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "data").write_bytes(bytes(1 << 18))
    (folder / "data").write_bytes(bytes(128 * 256 * 4))
    (folder / "link").symlink_to(tmp_path / "data")
    model = encoder()
    tensor = initializer(model, "up")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    refuse(folder, message)


def quantized(model: ModelProto) -> None:
    """The table in 8 bits, as other tools store it."""
    initializer(model, "words").CopyFrom(
        numpy_helper.from_array(np.zeros((VOCABULARY, WIDTH), np.uint8), "words_quantized")
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.1, np.float32), "words_scale"))
    model.graph.node.insert(0, helper.make_node("DequantizeLinear", ["words_quantized", "words_scale"], ["words"]))


def test_quantized_tables_are_left_alone_or_refused_by_name(tmp_path: Path) -> None:
    model = saved(encoder(change=quantized), tmp_path / "model.onnx")
    report = loewner.compress(model, tmp_path / "small.onnx", bits=4, selection="linear", text="none")
    assert any("words_quantized: quantized already (UINT8)" in note for note in report.notes)
    with pytest.raises(OSError, match="initializer 'words_quantized': is quantized already"):
        loewner.compress(model, tmp_path / "other.onnx", bits=4, include="words", text="none")
    with pytest.raises(OSError, match=r"no initializer is selected.*quantized already"):
        loewner.compress(model, tmp_path / "other.onnx", bits=4)
    assert not (tmp_path / "other.onnx").exists()


def test_an_existing_file_is_replaced_only_if_it_is_an_output(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    other = saved(encoder(), tmp_path / "other.onnx")
    options: dict[str, Any] = {"bits": 4, "if_exists": "overwrite"}
    with pytest.raises(ValueError, match="must not be the model"):
        loewner.compress(model, model, **options)
    with pytest.raises(loewner.IoError, match="is no output of loewner"):
        loewner.compress(model, other, **options)
    loewner.compress(model, tmp_path / "small.onnx", bits=4)
    loewner.compress(model, tmp_path / "small.onnx", **options)
    with pytest.raises(loewner.IoError, match=r"small\.onnx: is compressed already"):
        loewner.compress(tmp_path / "small.onnx", tmp_path / "smaller.onnx", bits=2)
    with pytest.raises(loewner.IoError, match="parent folder does not exist"):
        loewner.compress(model, tmp_path / "nowhere" / "small.onnx", bits=4)


@pytest.mark.parametrize("command", ["report", "plot"])
def test_pages_of_onnx_files_are_refused_by_name(tmp_path: Path, command: str) -> None:
    (tmp_path / "small.onnx").touch()
    message = ft.refusal(2, command, str(tmp_path / "small.onnx"), "-o", str(tmp_path / "page"))
    assert "small.onnx: is an ONNX model" in message
    assert not (tmp_path / "page").exists()


MUTATIONS = 400


@pytest.mark.parametrize("data", [None, "model.onnx_data"])
def test_changed_bytes_are_read_or_refused(tmp_path: Path, data: str | None) -> None:
    """The reader raises IoError or returns: no other exception, whatever bytes change."""
    path = saved(encoder(), tmp_path / "model.onnx", data=data)
    content = path.read_bytes()
    if data is None:  # most bytes are weights, whose changes are not noticed
        proto = onnx.load(path)
        for tensor in proto.graph.initializer:
            if len(tensor.dims) == 2:
                tensor.raw_data, tensor.dims[:] = tensor.raw_data[:16], [2, 2]
        content = proto.SerializeToString()
    random.seed(0)
    refused = 0
    for _ in range(MUTATIONS):
        changed = bytearray(content)
        for _ in range(random.randint(1, 3)):
            mutate(changed)
        path.write_bytes(changed)
        try:
            open_onnx(path)
        except loewner.IoError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > MUTATIONS // 4


def mutate(data: bytearray) -> None:
    place = random.randrange(len(data))
    kind = random.randrange(4)
    if kind == 0:
        data[place] ^= 1 << random.randrange(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place:place] = bytes(random.randrange(256) for _ in range(random.randint(1, 8)))
    else:
        del data[place : place + random.randint(1, 8)]
    if not data:
        data.append(0)
