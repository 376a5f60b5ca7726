# SPDX-License-Identifier: Apache-2.0
"""Encoded checkpoints load into models of transformers and give the outputs of the decoded checkpoints."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner  # noqa: F401
import pytest
import torch
import transformers
from encoded_models import (
    FAMILIES,
    FORMATS,
    RANK,
    VOCABULARY,
    decode_folder,
    dense,
    dense_folder,
    encode_folder,
    low_rank,
    outputs,
    subspaces,
)
from loewner.transformers import EncodedMatrix
from safetensors.torch import load_file, save_file


def model_class(family: str) -> Any:
    return getattr(transformers, FAMILIES[family][0])


def encoded_family(family: str, folder: Path, **options: Any) -> Path:
    return encode_folder(dense_folder(family), folder / "encoded", [f"{FAMILIES[family][2]}.weight"], **options)


def load(family: str, folder: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    model, info = model_class(family).from_pretrained(folder, output_loading_info=True, **options)
    return model.eval(), info


def assert_same_outputs(actual: torch.Tensor, expected: torch.Tensor) -> None:
    # Two layers with float32 sums of about 50 terms in another order.
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("structure", [low_rank, subspaces])
@pytest.mark.parametrize("family", FAMILIES)
def test_outputs_equal_those_of_the_decoded_checkpoint(family: str, structure: Any, tmp_path: Path) -> None:
    encoded = encoded_family(family, tmp_path, structure=structure)
    model, info = load(family, encoded)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    oracle, _ = load(family, decode_folder(encoded, tmp_path / "decoded"))
    assert_same_outputs(outputs(model), outputs(oracle))


def test_different_ranks_give_different_outputs(tmp_path: Path) -> None:
    model, _ = load("bert", encoded_family("bert", tmp_path))
    other = encode_folder(
        dense_folder("bert"), tmp_path / "other", ["embeddings.word_embeddings.weight"], rank=RANK - 1
    )
    with pytest.raises(AssertionError):
        assert_same_outputs(outputs(load("bert", other)[0]), outputs(model))


@pytest.mark.parametrize(
    "family", ["bert_masked", "gpt2_head", "llama_head", "t5", "bart", "albert_masked", "xlnet_head"]
)
def test_a_tied_head_shares_the_factors(family: str, tmp_path: Path) -> None:
    model, _ = load(family, encoded_family(family, tmp_path))
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert head.left is embedding.left and head.right is embedding.right
    assert f"LowRank{head.original.__name__}" == type(head).__name__


@pytest.mark.parametrize("structure", [low_rank, subspaces])
@pytest.mark.parametrize("family", FAMILIES)
def test_saving_and_loading_again_changes_nothing(family: str, structure: Any, tmp_path: Path) -> None:
    encoded = encoded_family(family, tmp_path, structure=structure)
    model, _ = load(family, encoded)
    model.save_pretrained(tmp_path / "again")
    written, read = (load_file(folder / "model.safetensors") for folder in (tmp_path / "again", encoded))
    assert written.keys() == read.keys()
    assert all(torch.equal(written[name], read[name]) for name in read)
    configs = [json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "again", encoded)]
    assert configs[0]["quantization_config"] == configs[1]["quantization_config"]
    assert torch.equal(outputs(load(family, tmp_path / "again")[0]), outputs(model))


@pytest.mark.parametrize(
    ("structure", "format"), [(low_rank, "f16"), (low_rank, "bf16"), (dense, "f16"), (subspaces, "f16")]
)
@pytest.mark.parametrize("family", ["bert_masked", "xlnet_head", "llama_head", "gemma3_head"])
def test_narrow_arrays_keep_their_type_in_a_float32_model(
    family: str, format: str, structure: Any, tmp_path: Path
) -> None:
    encoded = encoded_family(family, tmp_path, structure=structure, format=format)
    config = json.loads((encoded / "config.json").read_text())
    del config["dtype"]  # without it transformers would take the type of the first array
    (encoded / "config.json").write_text(json.dumps(config))
    model, _ = load(family, encoded)
    embedding = model.get_input_embeddings()
    numbers = [name for name in embedding.array_names() if name not in embedding.fixed_arrays]
    assert {getattr(embedding, name).dtype for name in numbers} == {FORMATS[format]}
    assert model.dtype == torch.float32
    assert embedding(torch.tensor([3])).dtype == torch.float32
    oracle, _ = load(family, decode_folder(encoded, tmp_path / "decoded"), dtype=torch.float32)
    tolerance = (
        1e-4 if family != "gemma3_head" or structure is low_rank else 1e-2
    )  # its scale has the type of the weight
    expected = outputs(oracle)
    torch.testing.assert_close(outputs(model), expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))
    model.save_pretrained(tmp_path / "again")
    assert torch.equal(outputs(load(family, tmp_path / "again")[0]), outputs(model))


def test_float32_factors_serve_a_bfloat16_model(tmp_path: Path) -> None:
    model, _ = load("bert_masked", encoded_family("bert_masked", tmp_path), dtype=torch.bfloat16)
    assert model.get_input_embeddings().left.dtype == torch.float32
    assert model.get_input_embeddings()(torch.tensor([3])).dtype == torch.bfloat16
    assert outputs(model).isfinite().all()


@pytest.mark.parametrize(
    ("saved", "loaded", "prefix"),
    [
        ("bert", "BertForSequenceClassification", "bert."),
        ("bert_masked", "BertModel", ""),
        ("t5", "T5EncoderModel", ""),
    ],
)
def test_names_match_with_and_without_the_prefix_of_the_base_model(
    saved: str, loaded: str, prefix: str, tmp_path: Path
) -> None:
    encoded = encoded_family(saved, tmp_path)
    model = getattr(transformers, loaded).from_pretrained(encoded)
    embedding = model.get_input_embeddings()
    assert type(embedding).__name__ == "LowRankEmbedding"
    model.save_pretrained(tmp_path / "again")
    names = load_file(tmp_path / "again" / "model.safetensors").keys()
    specs = json.loads((tmp_path / "again" / "config.json").read_text())["quantization_config"]["tensors"]
    assert {f"{name.removesuffix('.weight')}.left" for name in specs} <= names
    again = getattr(transformers, loaded).from_pretrained(tmp_path / "again")
    assert torch.equal(again.get_input_embeddings().left, embedding.left)


@pytest.mark.parametrize("structure", [low_rank, subspaces])
def test_linear_layers_and_conv1d_layers_are_encoded(structure: Any, tmp_path: Path) -> None:
    layers = {
        "bert": "encoder.layer.0.intermediate.dense",
        "gpt2_head": "transformer.h.0.attn.c_attn",
        "t5": "encoder.block.0.layer.1.DenseReluDense.wo",
    }
    for family, name in layers.items():
        folder = tmp_path / family
        encoded = encode_folder(dense_folder(family), folder / "encoded", [f"{name}.weight"], structure)
        model, _ = load(family, encoded)
        assert isinstance(model.get_submodule(name), EncodedMatrix)
        oracle, _ = load(family, decode_folder(encoded, folder / "decoded"))
        assert_same_outputs(outputs(model), outputs(oracle))


def test_a_head_with_different_values_is_not_tied(tmp_path: Path) -> None:
    encoded = encoded_family("llama_head", tmp_path)
    weights = load_file(encoded / "model.safetensors")
    weights["lm_head.weight"] = torch.full((VOCABULARY, 32), 0.5)
    save_file(weights, encoded / "model.safetensors", {"format": "pt"})
    model, _ = load("llama_head", encoded)
    assert torch.equal(model.lm_head.weight, weights["lm_head.weight"])
    assert isinstance(model.model.embed_tokens, EncodedMatrix)
    model.save_pretrained(tmp_path / "again")
    assert torch.equal(outputs(load("llama_head", tmp_path / "again")[0]), outputs(model))


def test_no_dense_copy_is_in_memory(tmp_path: Path) -> None:
    model, _ = load("bert_masked", encoded_family("bert_masked", tmp_path))
    assert all(parameter.shape != (VOCABULARY, 32) for parameter in model.parameters())
    held = sum(p.numel() * p.element_size() for p in model.get_input_embeddings().parameters())
    assert held == (VOCABULARY + 32) * RANK * 4


def test_weight_has_shape_type_and_device_and_is_decoded_on_use(tmp_path: Path) -> None:
    embedding = load("bert", encoded_family("bert", tmp_path))[0].get_input_embeddings()
    assert (embedding.weight.shape, embedding.weight.dtype, embedding.weight.device.type) == (
        (VOCABULARY, 32),
        torch.float32,
        "cpu",
    )
    assert torch.equal(embedding.weight + 0, embedding.left @ embedding.right)
    with pytest.raises(RuntimeError, match="dequantize"):
        embedding.weight[0].zero_()


def test_dequantize_restores_stock_modules_and_ties(tmp_path: Path) -> None:
    model, _ = load("bert_masked", encoded_family("bert_masked", tmp_path))
    before = outputs(model)
    model.dequantize()
    assert type(model.get_input_embeddings()) is torch.nn.Embedding
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert_same_outputs(outputs(model), before)
    model.resize_token_embeddings(VOCABULARY + 3)
    model.save_pretrained(tmp_path / "plain")
    assert "quantization_config" not in json.loads((tmp_path / "plain" / "config.json").read_text())


def test_factors_are_trained(tmp_path: Path) -> None:
    model, _ = load("bert_masked", encoded_family("bert_masked", tmp_path))
    embedding = model.get_input_embeddings()
    before = embedding.left.detach().clone(), embedding.right.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ids = torch.arange(2, 34).reshape(2, 16)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    assert not torch.equal(embedding.left, before[0]) and not torch.equal(embedding.right, before[1])
    assert model.get_output_embeddings().left is embedding.left
    model.save_pretrained(tmp_path / "trained")
    assert torch.equal(load("bert_masked", tmp_path / "trained")[0].get_input_embeddings().left, embedding.left)


def test_subspaces_are_trained_within_their_zero_pattern(tmp_path: Path) -> None:
    model, _ = load("bert_masked", encoded_family("bert_masked", tmp_path, structure=subspaces))
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert head.left_0 is embedding.left_0 and head.cluster is embedding.cluster
    before = {name: getattr(embedding, name).detach().clone() for name in embedding.array_names()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ids = torch.arange(2, 34).reshape(2, 16)
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()
    for name, array in before.items():
        assert torch.equal(getattr(embedding, name), array) == (name == "cluster")
    rows = embedding(torch.arange(VOCABULARY))
    assert torch.equal(rows[embedding.cluster[:, 0] == 1], torch.zeros(embedding.spec["sizes"][1], 32))
    assert torch.linalg.matrix_rank(rows[embedding.cluster[:, 0] == 2]) == 5
    model.save_pretrained(tmp_path / "trained")
    again = load("bert_masked", tmp_path / "trained")[0].get_input_embeddings()
    assert torch.equal(again(torch.arange(VOCABULARY)), rows)


def test_gradients_of_subspaces_are_those_of_the_decoded_matrix(tmp_path: Path) -> None:
    embedding = load("bert", encoded_family("bert", tmp_path, structure=subspaces))[0].get_input_embeddings()
    ids, factors = torch.tensor([[3, 70, 3], [119, 8, 1]]), [embedding.left_0, embedding.right_2]
    target = torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(1))
    by_rows = torch.autograd.grad((embedding(ids) * target).sum(), factors)
    by_matrix = torch.autograd.grad((embedding.decode()[ids] * target).sum(), factors)
    for actual, expected in zip(by_rows, by_matrix, strict=True):
        torch.testing.assert_close(actual, expected)
        assert actual.abs().max() > 0


def test_cluster_labels_must_have_the_stored_sizes(tmp_path: Path) -> None:
    encoded = encoded_family("bert", tmp_path, structure=subspaces)
    weights = load_file(encoded / "model.safetensors")
    weights["embeddings.word_embeddings.cluster"][7] = 1 - weights["embeddings.word_embeddings.cluster"][7].clamp(max=1)
    save_file(weights, encoded / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="cluster sizes must be"):
        outputs(load("bert", encoded)[0])


def test_an_embedding_alone_trains_only_the_rows_it_looked_up(tmp_path: Path) -> None:
    embedding = load("bert", encoded_family("bert", tmp_path))[0].get_input_embeddings()
    embedding(torch.tensor([5, 9])).sum().backward()
    assert embedding.left.grad.abs().sum(dim=1).nonzero().flatten().tolist() == [5, 9]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_gives_the_same_outputs(duplicate: Callable[[Any], Any], tmp_path: Path) -> None:
    model, _ = load("bart", encoded_family("bart", tmp_path))
    other = duplicate(model)
    assert torch.equal(outputs(other), outputs(model))
    other.load_state_dict(model.state_dict())


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"].update(changes)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": "2.0"}, "format_version must be 1.x, got '2.0'"),
        ({"tensors": {"a.weight": {"structure": "unheard_of"}}}, "tensor 'a.weight'.*got 'unheard_of'"),
    ],
)
def test_newer_versions_and_unknown_structures_are_refused_by_name(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    encoded = encoded_family("bert", tmp_path)
    change_config(encoded, **changes)
    with pytest.raises(ValueError, match=message):
        load("bert", encoded)


def test_a_newer_minor_version_and_unknown_fields_are_read_and_kept(tmp_path: Path) -> None:
    encoded = encoded_family("bert", tmp_path)
    change_config(encoded, format_version="1.7", later={"a": 1})
    load("bert", encoded)[0].save_pretrained(tmp_path / "again")
    kept = json.loads((tmp_path / "again" / "config.json").read_text())["quantization_config"]
    assert (kept["format_version"], kept["later"]) == ("1.7", {"a": 1})


def test_a_missing_array_is_refused_by_name(tmp_path: Path) -> None:
    encoded = encoded_family("bert", tmp_path)
    weights = load_file(encoded / "model.safetensors")
    del weights["embeddings.word_embeddings.right"]
    save_file(weights, encoded / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"array 'embeddings.word_embeddings.right' is not in the checkpoint"):
        load("bert", encoded)


def test_a_specification_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    encoded = encoded_family("bert", tmp_path)
    config = json.loads((encoded / "config.json").read_text())
    spec = config["quantization_config"]["tensors"]["embeddings.word_embeddings.weight"]
    change_config(encoded, tensors={"embeddings.word_embeddings.weight": {**spec, "rows": VOCABULARY + 1}})
    with pytest.raises(ValueError, match=r"tensor 'embeddings.word_embeddings.weight': shape must be 121 x 32"):
        load("bert", encoded)
