# SPDX-License-Identifier: Apache-2.0
"""`--linear blocks`: layers of integers are multiplied as they are stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers
from encoded_models import VOCABULARY
from loewner._core import StoredMatrix
from loewner.onnx.decoders.base import Arrays, new_decoder
from loewner.onnx.decoders.blocks import BlockProduct
from loewner.onnx.graph import IR_VERSION, OPSET, Graph
from tokenized_models import save_tokenizer

OUTPUTS = 24


def integers(bits: int, group: int, cols: int) -> tuple[dict[str, Any], Arrays]:
    """A layer of random integers whose groups have other offsets than the middle."""
    rng = np.random.default_rng(cols + group)
    groups = -(-cols // min(group, cols))
    spec = {"structure": "integers", "rows": OUTPUTS, "cols": cols, "bits": bits, "group": group, "scale_exponent": -4}
    return spec, {
        "codes": rng.integers(0, 256, (OUTPUTS, -(-cols * bits // 8))).astype(np.uint8),
        "steps": rng.uniform(0.5, 1, (OUTPUTS, groups)).astype(np.float16),
        "offsets": rng.uniform(-4, 2, (OUTPUTS, groups)).astype(np.float16),
    }


def product_of(spec: dict[str, Any], arrays: Arrays, x: np.ndarray[Any, Any]) -> Any:
    """x W^T by the graph, or None if the layer has no blocks."""
    graph = Graph()
    product = BlockProduct.of(graph, new_decoder(graph, "layer.", spec, arrays))
    if product is None:
        return None
    result = product.times("x")
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("x", result)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([], "product", infos[:1], infos[1:]),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    graph.insert_into(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize(("bits", "group", "cols"), [(4, 64, 128), (8, 96, 96), (8, 384, 384), (4, 32, 96)])
def test_products_are_close(bits: int, group: int, cols: int) -> None:
    spec, arrays = integers(bits, group, cols)
    x = np.random.default_rng(1).standard_normal((2, 5, cols)).astype(np.float32)
    matrix = StoredMatrix(json.dumps(spec), arrays).decode()
    found = product_of(spec, arrays, x)
    assert np.linalg.norm(found - x @ matrix.T) < 0.02 * np.linalg.norm(x @ matrix.T)
    arrays["offsets"] = arrays["offsets"] + np.float16(2 ** (bits - 2))  # negative control: offsets count
    assert np.linalg.norm(product_of(spec, arrays, x) - x @ matrix.T) > 0.02 * np.linalg.norm(x @ matrix.T)


@pytest.mark.parametrize(("group", "cols"), [(64, 72), (24, 96), (200, 40)])
def test_groups_that_no_blocks_make_up_have_no_product(group: int, cols: int) -> None:
    assert product_of(*integers(8, group, cols), np.zeros((1, cols), np.float32)) is None


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=40,
    )
    folder = tmp_path_factory.mktemp("dense") / "model"
    transformers.BertModel(config).save_pretrained(folder)
    return save_tokenizer(folder)


@pytest.mark.parametrize("method", ["int4", "int8"])
def test_exported_layers_stay_integers(dense: Path, tmp_path: Path, method: str) -> None:
    loewner.compress(dense, tmp_path / "small", method=method, keep=0.9, selection="all", text="none")
    ids = np.arange(24).reshape(2, 12)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    outputs = {}
    for linear in ("folded", "blocks"):
        file = loewner.export(tmp_path / "small", tmp_path / linear, linear=linear).file
        outputs[linear] = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, given)[0]
        assert loewner.verify(file, dense).holds
    model = onnx.load(file)
    products = [node for node in model.graph.node if node.op_type == "MatMulNBits"]
    assert len(products) == 6
    assert {entry.domain for entry in model.opset_import} == {"", "loewner", "com.microsoft"}
    difference = outputs["blocks"] - outputs["folded"]
    assert 0 < np.linalg.norm(difference) < 0.02 * np.linalg.norm(outputs["folded"])
    codes = next(tensor for tensor in model.graph.initializer if "query" in tensor.name and "codes" in tensor.name)
    codes.raw_data = bytes(byte ^ 255 for byte in codes.raw_data)
    onnx.save(model, file)
    assert not loewner.verify(file, dense).holds


def test_a_model_without_integers_is_refused(dense: Path, tmp_path: Path) -> None:
    loewner.compress(dense, tmp_path / "small", method="codes", bits=4, selection="all", text="none")
    with pytest.raises(ValueError, match="has no linear layer in integers"):
        loewner.export(tmp_path / "small", tmp_path / "out", linear="blocks")
    assert not (tmp_path / "out").exists()
