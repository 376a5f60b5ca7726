# SPDX-License-Identifier: Apache-2.0
"""`loewner export`: files that onnxruntime runs as torch runs the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers
from encoded_models import VOCABULARY, dense_folder
from loewner._structures import STRUCTURES
from loewner.evaluation.models import Model
from loewner.onnx.export import exporting
from loewner.onnx.export.gelu import reorder_gelus
from loewner.onnx.graph import IR_VERSION, OPSET, Graph
from loewner.onnx.replacing import narrow
from safetensors.torch import load_file, save_file
from tokenized_models import model_with_tokenizer, save_tokenizer, text

# Structures by layer, so that one export shows all of them.
METHODS = {
    "attention.self.query": "svd",
    "attention.self.key": "subspaces",
    "attention.self.value": "int8",
    "attention.output": "archetypes",
    "layer.0.intermediate": "codes",
    "layer.0.output": "int4",
    "layer.1.intermediate": "dense",
    "layer.1.output": "codes",
    "word_embeddings": "coded-svd",
}
WIDTH = 64


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=40,
    )
    folder = tmp_path_factory.mktemp("dense") / "model"
    transformers.BertModel(config).save_pretrained(folder)
    return save_tokenizer(folder)


@pytest.fixture(scope="module")
def mixed(dense: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with each kind of layer in another structure."""
    parts = tmp_path_factory.mktemp("parts")
    mixed = parts / "mixed"
    shutil.copytree(dense, mixed)
    weights = load_file(dense / "model.safetensors")
    config: dict[str, Any] = {}
    for method in dict.fromkeys(METHODS.values()):
        names = "|".join(name for name, chosen in METHODS.items() if chosen == method)
        keep = 0.16 if method == "codes" else 0.8
        options: Any = {"keep": keep, "factor_format": "f16", "text": "none", "selection": "all"}
        loewner.compress(dense, parts / method, method=method, exclude=rf"^(?!.*({names})\.)", **options)
        stored = json.loads((parts / method / "config.json").read_text())
        arrays = load_file(parts / method / "model.safetensors")
        for name, spec in stored["quantization_config"]["tensors"].items():
            del weights[name]
            begin = name.removesuffix("weight")
            weights |= {n: a for n, a in arrays.items() if n.startswith(begin) and not n.endswith("bias")}
            config.setdefault("quantization_config", stored["quantization_config"])["tensors"][name] = spec
    save_file(weights, mixed / "model.safetensors", {"format": "pt"})
    config["quantization_config"].pop("checksums")
    original = json.loads((dense / "config.json").read_text())
    (mixed / "config.json").write_text(json.dumps({**original, **config}))
    return mixed


def structures_in(spec: dict[str, Any]) -> set[str]:
    """That of a tensor, and those of the factors of a product."""
    factors = [spec[side] for side in ("left", "right") if isinstance(spec.get(side), dict)]
    return {spec["structure"]}.union(*map(structures_in, factors))


@pytest.fixture(scope="module")
def exported(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "out"
    report = loewner.export(mixed, output, linear="folded")
    specs = json.loads((mixed / "config.json").read_text())["quantization_config"]["tensors"]
    assert sorted(report.encoded_tensors) == sorted(specs)
    assert set().union(*map(structures_in, specs.values())) == set(STRUCTURES) - {"input_codes", "entropy_codes"}
    assert report.inputs == ("input_ids", "attention_mask", "token_type_ids")
    return output


def inputs(batch: int, length: int) -> dict[str, np.ndarray[Any, Any]]:
    ids = np.arange(batch * length).reshape(batch, length) % VOCABULARY
    mask = np.ones_like(ids)
    mask[-1, length // 2 :] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def run(file: Path, given: dict[str, Any]) -> Any:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, given)[0]


def by_torch(folder: Path, given: dict[str, Any]) -> Any:
    model = loewner.load(folder, memory="dense").eval()
    with torch.no_grad():
        return model(**{name: torch.from_numpy(value) for name, value in given.items()}).last_hidden_state.numpy()


@pytest.mark.parametrize(("batch", "length"), [(1, 3), (3, 17)])
def test_onnxruntime_gives_the_outputs_of_torch(exported: Path, mixed: Path, batch: int, length: int) -> None:
    given = inputs(batch, length)
    found, expected = run(exported / "onnx" / "model.onnx", given), by_torch(mixed, given)
    assert found.shape == (batch, length, WIDTH)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def operators_after_optimization(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Those of onnxruntime, which joins several into one where it recognizes them."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3  # without its warning about the optimized file
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(folder / "optimized.onnx").graph.node]


# BiasGelu would need one more value of the size of the widest layer.
def test_onnxruntime_joins_each_gelu_into_one_operator_without_its_bias(exported: Path, tmp_path: Path) -> None:
    operators = operators_after_optimization(onnx.load(exported / "onnx" / "model.onnx"), tmp_path)
    assert "Erf" not in operators
    assert "BiasGelu" not in operators
    assert operators.count("Gelu") == 2


@pytest.mark.parametrize("half_is_used", [False, True])
def test_gelus_are_reordered_unless_something_else_uses_a_part(half_is_used: bool, tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Div", ["x", "root_2"], ["divided"]),
        onnx.helper.make_node("Erf", ["divided"], ["erf"]),
        onnx.helper.make_node("Add", ["erf", "one"], ["sum"]),
        onnx.helper.make_node("Mul", ["half", "sum"], ["halved"]),
        onnx.helper.make_node("Mul", ["x", "halved"], ["y"]),
    ]
    values = {"root_2": np.sqrt(2), "one": 1, "half": 0.5}
    constants = [onnx.numpy_helper.from_array(np.array(value, np.float32), name) for name, value in values.items()]
    names = ["y", "halved"] if half_is_used else ["y"]
    x, *results = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [9]) for name in ["x", *names]]
    graph = onnx.helper.make_graph(nodes, "gelu", [x], results, constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    assert "Erf" in operators_after_optimization(model, tmp_path)
    reorder_gelus(model.graph)
    assert ("Erf" in operators_after_optimization(model, tmp_path)) == half_is_used
    file = tmp_path / "gelu.onnx"
    onnx.save(model, file)
    given = np.linspace(-4, 4, 9, dtype=np.float32)
    expected = torch.nn.functional.gelu(torch.from_numpy(given)).numpy()
    np.testing.assert_allclose(run(file, {"x": given}), expected, rtol=1e-5, atol=1e-6)


def test_the_file_is_a_checked_model_of_standard_operators_with_shapes(exported: Path) -> None:
    model = onnx.load(exported / "onnx" / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain for entry in model.opset_import} == {"", "loewner"}
    assert model.ir_version == IR_VERSION  # a newer one shuts out old runtimes
    own = {(function.domain, function.name) for function in model.functions}
    assert {(node.domain, node.op_type) for node in model.graph.node if node.domain} <= own
    known = {value.name for value in [*model.graph.value_info, *model.graph.output]}
    assert {name for node in model.graph.node for name in node.output} <= known


def test_configuration_is_beside_the_file(exported: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(exported)
    assert config.hidden_size == WIDTH
    assert not hasattr(config, "quantization_config")


def test_an_exported_file_is_verified(exported: Path, dense: Path, tmp_path: Path) -> None:
    file = exported / "onnx" / "model.onnx"
    report = loewner.verify(file, dense)
    assert report.holds and all("no checksum" in note for note in report.notes)
    model = onnx.load(file)
    levels = next(t for t in model.graph.initializer if t.name.endswith("word_embeddings.left_codes"))
    levels.raw_data = levels.raw_data[:-64] + bytes(byte ^ 255 for byte in levels.raw_data[-64:])
    onnx.save(model, tmp_path / "changed.onnx")
    assert not loewner.verify(tmp_path / "changed.onnx", dense).holds


def test_eval_runs_a_file_as_the_folder(exported: Path, mixed: Path) -> None:
    by_file = Model(exported / "onnx" / "model.onnx").outputs([text(5)]).arrays[0]
    np.testing.assert_array_equal(Model(exported).outputs([text(5)]).arrays[0], by_file)
    by_folder, others = (Model(mixed).outputs([lines]).arrays[0] for lines in (text(5), text(5, 1)))
    assert np.abs(by_file - by_folder).max() < 1e-4 * np.abs(by_folder).max() < np.abs(by_file - others).max()


# The graph and not the arrays are wrong: only the runtime can tell.
def test_a_wrong_graph_is_found(exported: Path, tmp_path: Path) -> None:
    model = onnx.load(exported / "onnx" / "model.onnx")
    function = next(f for f in model.functions if f.name == "Integers8")
    next(node for node in function.node if node.op_type == "Add").op_type = "Sub"
    onnx.save(model, tmp_path / "wrong.onnx")
    assert any("wrongly" in failure for failure in loewner.verify(tmp_path / "wrong.onnx").failures)


def test_integers_of_eight_bits_change_the_outputs_little(mixed: Path, tmp_path: Path) -> None:
    report = loewner.export(mixed, tmp_path / "out", name="small.onnx")
    assert report.linear == "int8"
    given = inputs(3, 17)
    found, expected = run(tmp_path / "out" / "onnx" / "small.onnx", given), by_torch(mixed, given)
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.999
    assert np.abs(found - expected).max() > 1e-4 * np.abs(expected).max()  # folded layers are closer
    assert loewner.verify(tmp_path / "out" / "onnx" / "small.onnx").holds


# Its layers are x W + b in one operator, with W as inputs x outputs.
def test_layers_of_gpt2_are_products_of_integers(tmp_path: Path) -> None:
    model = model_with_tokenizer("gpt2_head", tmp_path / "model")
    (tmp_path / "text").write_text("\n".join(text(60)))
    loewner.compress(model, tmp_path / "small", selection="all", bits=5, text=tmp_path / "text")
    file = Path(loewner.export(tmp_path / "small", tmp_path / "out").file)
    products = [node.op_type for node in onnx.load(file).graph.node if node.op_type in ("Product8", "Gemm")]
    assert products == ["Product8"] * (4 * 2 + 1)  # 2 layers, and the head
    assert loewner.verify(file).holds


def test_models_of_an_encoder_and_a_decoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'t5' has an encoder and a decoder.*; let another exporter"):
        loewner.export(dense_folder("t5"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_large_weights_are_in_a_file_beside(
    exported: Path, dense: Path, mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LARGEST", 10_000)
    report = loewner.export(mixed, tmp_path / "out", linear="folded")
    file = Path(report.file)
    data = file.with_name("model.onnx_data")
    assert report.bytes == file.stat().st_size + data.stat().st_size and data.stat().st_size > 10_000
    given = inputs(3, 17)
    np.testing.assert_array_equal(run(file, given), run(exported / "onnx" / "model.onnx", given))
    assert loewner.verify(file, dense).holds
    data.write_bytes(data.read_bytes()[:-1] + b"\xff")
    assert not loewner.verify(file, dense).holds


def test_an_inlined_file_has_no_functions(exported: Path, dense: Path, mixed: Path, tmp_path: Path) -> None:
    file = Path(loewner.export(mixed, tmp_path / "out", linear="folded", inline=True).file)
    inlined, plain = onnx.load(file), onnx.load(exported / "onnx" / "model.onnx")
    assert plain.functions and {node.domain for node in plain.graph.node} == {"", "loewner"}
    assert not inlined.functions and {node.domain for node in inlined.graph.node} == {""}
    assert {entry.domain for entry in inlined.opset_import} == {""}
    given = inputs(3, 17)
    np.testing.assert_array_equal(run(file, given), run(exported / "onnx" / "model.onnx", given))
    assert loewner.verify(file, dense).holds


def test_models_in_sixteen_bits_are_stored_in_sixteen_bits() -> None:
    half, single = np.arange(64, dtype=np.float32) / 8, np.full(64, 0.1, np.float32)
    values = [onnx.numpy_helper.from_array(array, name) for array, name in ((half, "half"), (single, "single"))]
    shaped = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [64]) for name in ("x", "y")]
    nodes = [onnx.helper.make_node("Add", ["x", "half"], ["z"]), onnx.helper.make_node("Mul", ["z", "single"], ["y"])]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "g", shaped[:1], shaped[1:], values),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    graph = Graph()
    narrow(model, graph, np.float16)
    graph.insert_into(model)
    onnx.checker.check_model(model, full_check=True)
    stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert stored == {"half.stored": onnx.TensorProto.FLOAT16, "single": onnx.TensorProto.FLOAT}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": single})[0], (single + half) * single)


def test_bad_arguments_write_nothing(mixed: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="linear must be one of"):
        loewner.export(mixed, tmp_path / "out", linear="int3")
    with pytest.raises(ValueError, match="a file name that ends in"):
        loewner.export(mixed, tmp_path / "out", name="../model.onnx")
    with pytest.raises(OSError, match=r"a model folder with a config\.json"):
        loewner.export(tmp_path, tmp_path / "out")
    with pytest.raises(loewner.IoError, match="already exists"):
        loewner.export(mixed, exported)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(loewner.IoError, match="neither an exported model"):
        loewner.export(mixed, tmp_path / "mine", if_exists="overwrite")
    with pytest.raises(ValueError, match="must not be the model folder"):
        loewner.export(mixed, mixed, if_exists="overwrite")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
