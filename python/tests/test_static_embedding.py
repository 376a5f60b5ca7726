# SPDX-License-Identifier: Apache-2.0
"""Static embedding models: recognized, compressed, loaded by their own classes and ours, and as ONNX graphs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import onnx
import pytest
from encoded_models import VOCABULARY
from onnx_models import cosine, matrix, run
from safetensors.numpy import load_file, save_file
from static_models import WIDTH, Arrays, model2vec
from tokenized_models import save_tokenizer, text
from tokenizers import Tokenizer

SENTENCES = text(5)


def sentence_transformer(folder: Path) -> Path:
    """As sentence-transformers saves a StaticEmbedding and a Normalize module."""
    (folder / "0_StaticEmbedding").mkdir(parents=True)
    save_file({"embedding.weight": matrix(VOCABULARY, WIDTH, 1)}, folder / "0_StaticEmbedding" / "model.safetensors")
    save_tokenizer(folder / "0_StaticEmbedding")
    classes = ("StaticEmbedding", "Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{name}", "type": f"sentence_transformers.models.{name}"}
        for i, name in enumerate(classes)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


def bare(folder: Path) -> Path:
    """A table and a tokenizer, without a configuration, as wordllama has it."""
    (folder / "weights").mkdir(parents=True)
    save_file({"embedding.weight": matrix(VOCABULARY, WIDTH, 1)}, folder / "weights" / "table_48.safetensors")
    save_tokenizer(folder)
    return folder


MAKERS = [model2vec, sentence_transformer, bare]


@pytest.mark.parametrize("make", MAKERS)
def test_the_table_is_compressed_verified_and_expanded(tmp_path: Path, make: Any) -> None:
    model = make(tmp_path / "model")
    report = loewner.compress(model, tmp_path / "small", bits=5)
    assert [tensor.role for tensor in report.tensors] == ["token_embedding"]
    assert "tokenizer.json" in str(report.tensors[0].row_weights)
    assert loewner.verify(tmp_path / "small", model).holds
    loewner.expand(tmp_path / "small", tmp_path / "dense")
    files = [
        {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        for root in (model, tmp_path / "dense")
    ]
    assert files[0] == files[1] - {"README.md"}


@pytest.mark.parametrize("make", MAKERS[:2])
def test_our_class_gives_the_vectors_of_the_expanded_folder(tmp_path: Path, make: Any) -> None:
    model = make(tmp_path / "model")
    loewner.compress(model, tmp_path / "small", keep=0.5)
    loewner.expand(tmp_path / "small", tmp_path / "dense")
    ours = loewner.load(tmp_path / "small").encode(SENTENCES)
    np.testing.assert_allclose(loewner.load(tmp_path / "dense").encode(SENTENCES), ours, atol=1e-6)
    original = loewner.load(model).encode(SENTENCES)
    assert cosine(ours, original) > 0.99
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, rtol=1e-5)


def test_sentence_transformers_loads_the_expanded_folder(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    loewner.compress(sentence_transformer(tmp_path / "model"), tmp_path / "small", bits=5)
    loewner.expand(tmp_path / "small", tmp_path / "dense")
    theirs = SentenceTransformer(str(tmp_path / "dense"), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(loewner.load(tmp_path / "small").encode(SENTENCES), theirs, atol=1e-6)


def shared_rows() -> Arrays:
    """A table of 40 rows that the tokens share, and a weight for each token."""
    random = np.random.default_rng(3)
    return {
        "mapping": random.integers(0, 40, VOCABULARY),
        "weights": random.uniform(0.5, 2, VOCABULARY).astype(np.float32),
    }


def test_tokens_that_share_rows_weigh_them_together(tmp_path: Path) -> None:
    model = model2vec(tmp_path / "model", shared_rows(), rows=40)
    loewner.compress(model, tmp_path / "small", keep=0.5)
    assert loewner.verify(tmp_path / "small", model).holds
    assert cosine(loewner.load(tmp_path / "small").encode(SENTENCES), loewner.load(model).encode(SENTENCES)) > 0.99


def test_a_mapping_beyond_the_table_is_refused(tmp_path: Path) -> None:
    wrong = {**shared_rows(), "mapping": np.full(VOCABULARY, 40)}
    model = model2vec(tmp_path / "model", wrong, rows=40)
    with pytest.raises(loewner.IoError, match=r"tensor 'mapping': rows must be in \[0, 40\), got 40"):
        loewner.compress(model, tmp_path / "small", bits=6)


def vectors_of(file: Path, model: Any) -> Any:
    """What onnxruntime gives for the sentences, with two tokens of padding."""
    lists = model.tokenize(SENTENCES)
    ids, mask = np.zeros((2, len(lists), max(map(len, lists)) + 2), np.int64)
    for row, tokens in enumerate(lists):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    return run(file, input_ids=ids, attention_mask=mask)


@pytest.mark.parametrize("extra", [None, shared_rows()])
def test_an_exported_graph_gives_the_vectors_of_our_class(tmp_path: Path, extra: Arrays | None) -> None:
    model = model2vec(tmp_path / "model", extra, rows=40 if extra else VOCABULARY)
    loewner.compress(model, tmp_path / "small", keep=0.5)
    for folder in (model, tmp_path / "small"):
        report = loewner.export(folder, tmp_path / f"{folder.name}-onnx")
        assert report.output == "sentence_embedding"
        ours = loewner.load(folder)
        np.testing.assert_allclose(vectors_of(Path(report.file), ours), ours.encode(SENTENCES), atol=1e-5)


@pytest.mark.parametrize("make", MAKERS)
def test_an_exported_file_is_verified(tmp_path: Path, make: Any) -> None:
    model = make(tmp_path / "model")
    loewner.compress(model, tmp_path / "small", bits=5)
    file = Path(loewner.export(tmp_path / "small", tmp_path / "out").file)
    assert loewner.verify(file, model).holds and loewner.verify(file).holds
    proto = onnx.load(file)
    codes = next(tensor for tensor in proto.graph.initializer if tensor.name.endswith("codes"))
    codes.raw_data = codes.raw_data[:-1] + bytes([codes.raw_data[-1] ^ 1])
    onnx.save(proto, file)
    assert not loewner.verify(file, model).holds


def test_a_folder_without_configuration_and_with_other_tensors_is_refused(tmp_path: Path) -> None:
    model = bare(tmp_path / "model")
    arrays = load_file(model / "weights" / "table_48.safetensors")
    save_file({**arrays, "layer.weight": matrix(4, 4, 2)}, model / "weights" / "table_48.safetensors")
    with pytest.raises(loewner.IoError, match=r"config\.json: cannot open"):
        loewner.compress(model, tmp_path / "small", bits=5)


def test_eval_refuses_static_models_by_name(tmp_path: Path) -> None:
    from loewner.evaluation.models import Model

    with pytest.raises(ValueError, match=r"model: eval does not run static embedding models"):
        Model(model2vec(tmp_path / "model"))


def test_unknown_tokens_of_model2vec_do_not_count(tmp_path: Path) -> None:
    model = loewner.load(model2vec(tmp_path / "model"))
    assert isinstance(model.tokenizer, Tokenizer)
    np.testing.assert_allclose(model.encode(["w1 unheard w2"]), model.encode(["w1 w2"]))


def test_a_text_weighs_the_rows(tmp_path: Path) -> None:
    model = model2vec(tmp_path / "model")
    (tmp_path / "text").write_text("\n".join(SENTENCES), encoding="utf-8")
    blind, weighed = (
        loewner.compress(model, tmp_path / name, bits=2.5, text=text)
        for name, text in (("blind", "none"), ("weighed", tmp_path / "text"))
    )
    assert "from the calibration text" in weighed.tensors[0].row_weights
    assert weighed.totals.weights_bytes_after <= blind.totals.weights_bytes_after
    original = loewner.load(model).encode(SENTENCES)
    cosines = [cosine(loewner.load(tmp_path / name).encode(SENTENCES), original) for name in ("blind", "weighed")]
    assert 1 - cosines[1] < 0.8 * (1 - cosines[0])
    assert loewner.verify(tmp_path / "weighed", model).holds


def test_a_text_that_a_static_model_cannot_use_is_refused(tmp_path: Path) -> None:
    model = model2vec(tmp_path / "model")
    (tmp_path / "text").write_text("w1 w2", encoding="utf-8")
    (tmp_path / "unknown").write_text("unheard", encoding="utf-8")
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("does not know the words", {"text": tmp_path / "unknown"}),
        ("leave out row_weights", {"text": tmp_path / "text", "row_weights": "zipf:1"}),
        ("has no moments", {"text": tmp_path / "text", "save_moments": tmp_path / "moments"}),
    ]
    for message, options in wrong:
        with pytest.raises(ValueError, match=message):
            loewner.compress(model, tmp_path / "small", bits=3, **options)
        assert not (tmp_path / "small").exists()
    report = loewner.compress(model, tmp_path / "small", bits=3, text="package")
    assert any("package's text" in note for note in report.notes)
