# SPDX-License-Identifier: Apache-2.0
"""Compressed ONNX files: small, checked, and run by onnxruntime like their originals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fault_tools as ft
import loewner
import numpy as np
import onnx
import onnx_models
import onnxruntime
import pytest
from loewner._encoded_folder import encoded_tensors
from loewner.onnx.compress.roles import places_of
from loewner.onnx.reading import open_onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx_models import cosine, encoder, run, saved, token_ids
from tokenized_models import SPECIAL, WORDS, save_tokenizer

OPTIONS: dict[str, Any] = {"selection": "all", "bits": 6, "text": "none"}


def compressed(model: Path, output: Path, **options: Any) -> loewner.CompressReport:
    return loewner.compress(model, output, **{**OPTIONS, **options})


@pytest.mark.parametrize("opset", [11, 13, 17, 18, 22])
def test_files_of_all_opsets_become_small_ones_that_run(tmp_path: Path, opset: int) -> None:
    model = saved(encoder(opset), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx")
    onnx.checker.check_model(tmp_path / "small.onnx", full_check=True)
    graph = onnx.load(tmp_path / "small.onnx").graph
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used  # runtimes warn about others
    assert {tensor.name for tensor in report.tensors} == {"words", "places", "up", "down"}
    assert report.totals.weights_bytes_after == (tmp_path / "small.onnx").stat().st_size
    vectors = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert cosine(vectors, run(model, input_ids=token_ids())) > 0.99


def test_the_other_name_of_the_standard_domain_is_read(tmp_path: Path) -> None:
    model = encoder(18)
    model.opset_import[0].domain = "ai.onnx"
    compressed(saved(model, tmp_path / "model.onnx"), tmp_path / "small.onnx")
    vectors = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert cosine(vectors, run(tmp_path / "model.onnx", input_ids=token_ids())) > 0.99


def test_positions_are_decoded_at_load_and_words_when_they_are_looked_up(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    compressed(model, tmp_path / "small.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(tmp_path / "small.onnx", options, providers=["CPUExecutionProvider"])
    shapes = [tuple(tensor.dims) for tensor in onnx.load(tmp_path / "loaded.onnx").graph.initializer]
    assert (onnx_models.POSITIONS, onnx_models.WIDTH) in shapes
    assert (onnx_models.VOCABULARY, onnx_models.WIDTH) not in shapes


def test_half_precision_models_keep_their_types(tmp_path: Path) -> None:
    model = saved(encoder(17, np.float16), tmp_path / "model.onnx")
    compressed(model, tmp_path / "small.onnx")
    vectors = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert vectors.dtype == np.float16
    assert cosine(vectors, run(model, input_ids=token_ids())) > 0.99


@pytest.mark.parametrize("method", ["codes", "svd", "coded-svd", "subspaces", "archetypes", "int8", "int4", "dense"])
def test_graphs_decode_what_the_core_encoded(tmp_path: Path, method: str) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    options = {"num_subspaces": 2} if method == "subspaces" else {}  # by default it tries several numbers
    compressed(model, tmp_path / "small.onnx", method=method, bits={"int8": 9, "dense": 16.5}.get(method, 5), **options)
    expected = decoded_model(model, tmp_path / "small.onnx", tmp_path)
    vectors = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert np.abs(vectors - run(expected, input_ids=token_ids())).max() <= 1e-5 * np.abs(vectors).max()


def decoded_model(model: Path, small: Path, folder: Path) -> ModelProto:
    """The original model with the matrices that the core decodes."""
    from loewner.onnx.record import read_record
    from loewner.onnx.verify.stored_folder import stored_arrays, write_stored_folder

    file = open_onnx(small)
    record = read_record(file)
    write_stored_folder(folder / "again", {}, record, stored_arrays(file, record))
    decoded = {
        name: loewner.StoredMatrix(json.dumps(spec), arrays).decode()
        for name, spec, arrays in encoded_tensors(folder / "again")
    }
    dense = onnx.load(model)
    for tensor in dense.graph.initializer:
        if tensor.name in decoded:
            stored = decoded[tensor.name]
            turned = tensor.name == "up"  # inputs x outputs in the file
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(stored.T if turned else stored), tensor.name))
    return dense


def test_vision_models_keep_convolutions_byte_for_byte(tmp_path: Path) -> None:
    model = saved(onnx_models.pictures(), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx")
    assert [tensor.name for tensor in report.tensors] == ["project"]
    assert any("patch" in note and "Conv" in note for note in report.notes)
    stored = {tensor.name: tensor for tensor in onnx.load(tmp_path / "small.onnx").graph.initializer}
    original = {tensor.name: tensor for tensor in onnx.load(model).graph.initializer}
    assert stored["patch"].raw_data == original["patch"].raw_data
    pixels = np.random.default_rng(0).standard_normal((2, 3, 32, 32)).astype(np.float32)
    assert cosine(run(tmp_path / "small.onnx", pixels=pixels), run(model, pixels=pixels)) > 0.99


def test_speech_models_with_the_matrix_on_the_left_run(tmp_path: Path) -> None:
    model = saved(onnx_models.sounds(), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx")
    assert [tensor.name for tensor in report.tensors] == ["letters"]
    frames = np.random.default_rng(0).standard_normal((9, 2, 40)).astype(np.float32)
    assert cosine(run(tmp_path / "small.onnx", frames=frames), run(model, frames=frames)) > 0.99


def matrices_in_one_sixteen_bit_format(model: ModelProto) -> None:
    """Names as torch gives them: arrays of the format `dense` get the names of the initializers that they replace."""
    for entry in (*model.graph.initializer, *model.graph.node):
        if isinstance(entry, TensorProto) and entry.name in ("words", "places", "up", "down"):
            entry.name += ".weight"
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in ("words", "places", "up", "down"):
                node.input[place] = f"{name}.weight"


def test_matrices_may_be_stored_under_their_own_names(tmp_path: Path) -> None:
    model = saved(encoder(change=matrices_in_one_sixteen_bit_format), tmp_path / "model.onnx")
    compressed(model, tmp_path / "small.onnx", method="dense", bits=16.5)
    assert loewner.verify(tmp_path / "small.onnx", model).holds
    vectors = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert cosine(vectors, run(model, input_ids=token_ids())) > 0.9999


def test_a_budget_is_that_of_the_file(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    compressed(model, tmp_path / "small.onnx", bits=None, budget=150_000)
    assert 100_000 < (tmp_path / "small.onnx").stat().st_size <= 150_000


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_budget_that_nothing_meets_names_the_smallest_size(tmp_path: Path, options: list[str]) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    command = ["compress", model, "-o", tmp_path / "out.onnx", "--all", "--text", "none", *options]
    line = ft.refusal(4, *command, "--budget", "1kB", out=tmp_path / "out.onnx")
    assert "the budget is 1000 bytes, but the smallest possible file has about " in line
    smallest = int(line.split("has about ")[1].split(":")[0])
    assert "the smallest encodings take" in ft.refusal(4, *command, "--budget", smallest - 2000)
    assert ft.run(*command, "--budget", smallest + 10_000).returncode == 0  # room for the plan


def test_a_dry_run_counts_the_decoders(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    options: dict[str, Any] = {"bits": None, "budget": 150_000}
    planned = compressed(model, tmp_path / "small.onnx", dry_run=True, **options).totals.weights_bytes_after
    compressed(model, tmp_path / "small.onnx", **options)
    assert (tmp_path / "small.onnx").stat().st_size <= planned <= 150_000


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx", dry_run=True)
    assert report.totals.weights_bytes_after < model.stat().st_size / 4
    assert list(tmp_path.iterdir()) == [model]


def test_external_data_keep_the_names_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "original").mkdir()
    (tmp_path / "out").mkdir()
    model = saved(encoder(), tmp_path / "original" / "model.onnx", data="model.onnx_data")
    report = compressed(model, tmp_path / "out" / "model.onnx")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.onnx", "model.onnx_data"]
    assert report.totals.weights_bytes_after == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert loewner.verify(tmp_path / "out" / "model.onnx", model).holds
    vectors = run(tmp_path / "out" / "model.onnx", input_ids=token_ids())
    assert cosine(vectors, run(model, input_ids=token_ids())) > 0.99


def test_external_data_of_the_original_are_not_replaced(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx", data="model.onnx_data")
    before = (tmp_path / "model.onnx_data").read_bytes()
    compressed(model, tmp_path / "small.onnx")
    assert (tmp_path / "model.onnx_data").read_bytes() == before
    assert (tmp_path / "small.onnx_data").exists()
    assert loewner.verify(tmp_path / "small.onnx", model).holds


def tied(model: ModelProto) -> None:
    """Adds scores of all words, by the transposed table that an exporter stores once more."""
    words = next(tensor for tensor in model.graph.initializer if tensor.name == "words")
    head = np.ascontiguousarray(numpy_helper.to_array(words).T)
    model.graph.initializer.append(numpy_helper.from_array(head, "head"))
    model.graph.node.append(helper.make_node("MatMul", ["vectors", "head"], ["scores"], "head_layer"))
    model.graph.output.insert(0, helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["tokens", 400]))


def test_a_transposed_copy_of_a_table_stays_one_matrix(tmp_path: Path) -> None:
    model = saved(encoder(change=tied), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx")
    assert "head" not in {tensor.name for tensor in report.tensors}
    names = {tensor.name for tensor in onnx.load(tmp_path / "small.onnx").graph.initializer}
    assert "head" not in names and "words" not in names
    scores = run(tmp_path / "small.onnx", input_ids=token_ids())
    assert cosine(scores, run(model, input_ids=token_ids())) > 0.99
    assert loewner.verify(tmp_path / "small.onnx", model).holds


def test_folders_with_an_onnx_file_become_folders(tmp_path: Path) -> None:
    (tmp_path / "model" / "onnx").mkdir(parents=True)
    saved(encoder(), tmp_path / "model" / "onnx" / "model.onnx")
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    compressed(tmp_path / "model", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "out"]
    assert (tmp_path / "out" / "config.json").read_text() == '{"model_type": "bert"}'
    assert loewner.verify(tmp_path / "out", tmp_path / "model").holds
    with pytest.raises(loewner.IoError, match="already exists"):
        compressed(tmp_path / "model", tmp_path / "out")
    compressed(tmp_path / "model", tmp_path / "out", if_exists="overwrite")


def test_a_tokenizer_weighs_the_rows_of_the_table(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    plain = compressed(model, tmp_path / "plain.onnx")
    (tmp_path / "tokenizer").mkdir()
    save_tokenizer(tmp_path / "tokenizer")
    weighted = compressed(model, tmp_path / "small.onnx", tokenizer=tmp_path / "tokenizer")
    assert "no tokenizer" in str(plain.tensors[0].row_weights)
    assert "tokenizer.json" in str(weighted.tensors[0].row_weights)


def test_a_text_lowers_the_errors_of_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loewner.onnx.compress.moments.MOST_TOKENS", 4096)
    folder = tmp_path / "model"
    folder.mkdir()
    model = saved(encoder(change=with_dead_inputs), folder / "model.onnx")
    save_tokenizer(folder)
    lines = [" ".join(WORDS[i : i + 8]) for i in range(len(WORDS) - 8)]
    (tmp_path / "text").write_text("\n".join(lines * 4))
    ids = np.arange(len(SPECIAL), 100)[None]
    errors = {}
    for text in ("none", str(tmp_path / "text")):
        compressed(model, tmp_path / "small.onnx", selection="linear", bits=2, text=text, if_exists="overwrite")
        difference = run(tmp_path / "small.onnx", input_ids=ids) - run(model, input_ids=ids)
        errors[text] = float(np.square(difference).sum())
    blind, calibrated = errors.values()
    assert calibrated < 0.8 * blind


def with_dead_inputs(model: ModelProto) -> None:
    """Few columns of the table matter, so that codes should spend their bits on the weights of those."""
    for tensor in model.graph.initializer:
        if tensor.name in ("words", "places"):
            values = numpy_helper.to_array(tensor) * np.geomspace(1, 0.01, onnx_models.WIDTH, dtype=np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def test_a_text_without_a_tokenizer_is_a_note_or_an_error(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    report = compressed(model, tmp_path / "small.onnx", text=None)
    assert any("no tokenizer.json" in note for note in report.notes)
    with pytest.raises(ValueError, match=r"no tokenizer\.json"):
        compressed(model, tmp_path / "other.onnx", text="package")


def test_an_interrupted_run_is_resumed(tmp_path: Path) -> None:
    model = saved(encoder(), tmp_path / "model.onnx")
    compressed(model, tmp_path / "whole.onnx")

    def interrupt(task: str, share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compressed(model, tmp_path / "small.onnx", progress=interrupt)
    assert not (tmp_path / "small.onnx").exists()
    with pytest.raises(loewner.IoError, match="unfinished"):
        compressed(model, tmp_path / "small.onnx")
    compressed(model, tmp_path / "small.onnx", if_exists="resume")
    assert (tmp_path / "small.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    assert not (tmp_path / "small.onnx.partial").exists()


def test_the_commands_read_onnx_files(tmp_path: Path) -> None:
    model, output = saved(encoder(), tmp_path / "model.onnx"), tmp_path / "small.onnx"
    assert re.search(r"^up +linear \(transposed\) +MatMul ", ft.run("inspect", model).stdout, re.MULTILINE)
    done = ft.run("compress", model, "-o", output, "--all", "--bits", "6", "--text", "none")
    assert (done.returncode, done.stderr) == (0, "")
    done = ft.run("verify", output, "--against", model, "--json", tmp_path / "report.json")
    assert done.returncode == 0 and "model " in done.stdout
    assert json.loads((tmp_path / "report.json").read_text())["holds"]
    done = ft.run("verify", output, "--against", saved(encoder(change=with_dead_inputs), tmp_path / "other.onnx"))
    assert done.returncode == 5 and "verification failed" in done.stderr


Change = Callable[[ModelProto], None]


def positions_as_input(model: ModelProto) -> None:
    nodes = [node for node in model.graph.node if node.op_type not in ("Shape", "Range") and node.output[0] != "length"]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.input.append(helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["batch", "length"]))


def cast_of_table(model: ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Identity", ["words"], ["words_again"]))
    next(node for node in model.graph.node if node.name == "lookup").input[0] = "words_again"


@pytest.mark.parametrize("change", [None, positions_as_input, cast_of_table])
def test_roles_come_from_the_graph(tmp_path: Path, change: Change | None) -> None:
    places = places_of(open_onnx(saved(encoder(change=change), tmp_path / "model.onnx")))
    found = {name: (place.role, place.transposed) for name, place in places.items() if place.role != "other"}
    assert found == {
        "words": ("token_embedding", False),
        "places": ("position_embedding", False),
        "up": ("linear", True),
        "down": ("linear", False),
    }
