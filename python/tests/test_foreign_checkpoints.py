# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as others publish them: what transformers accepts is compressed, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
import transformers
from loewner._core import run_command_line
from safetensors.torch import load_file, save_file

_BERT: dict[str, Any] = dict(
    vocab_size=400,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=96,
    max_position_embeddings=64,
)
TABLE = "embeddings.word_embeddings.weight"


def bert(folder: Path, model_class: Any = transformers.BertModel, **options: Any) -> Path:
    torch.manual_seed(0)
    saving = {key: options.pop(key) for key in ("max_shard_size",) if key in options}
    model_class(transformers.BertConfig(**_BERT, **options)).save_pretrained(folder, **saving)
    return folder


def sharded(folder: Path) -> tuple[Path, dict[str, Any]]:
    index = bert(folder, max_shard_size="100kB") / "model.safetensors.index.json"
    return index, json.loads(index.read_text())


def add_tensors(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    weights = {**load_file(folder / "model.safetensors"), **tensors}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def compressed(folder: Path, **options: Any) -> loewner.CompressReport:
    report = loewner.compress(folder, folder.with_name("out"), **{"bits": 8, **options})
    assert loewner.verify(folder.with_name("out"), folder).holds
    return report


@pytest.mark.parametrize(
    "dtype", ["float8_e8m0fnu", "float8_e4m3fnuz", "float8_e5m2fnuz", "complex64", "float4_e2m1fn_x2"]
)
def test_tensors_of_any_type_are_copied(dtype: str, tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    kind = getattr(torch, dtype)
    size = torch.empty(0, dtype=kind).element_size()
    extra = torch.arange(16 * size, dtype=torch.uint8).reshape(4, 4 * size).view(kind)
    add_tensors(folder, {"extra": extra})
    compressed(folder)
    copied = load_file(tmp_path / "out" / "model.safetensors")["extra"]
    assert copied.dtype == kind and torch.equal(copied.view(torch.uint8), extra.view(torch.uint8))


def test_one_note_serves_all_tensors_of_a_type_that_is_not_read(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    layers = {f"extra.{i}.dense.weight": torch.ones(8, 8).to(torch.float8_e4m3fnuz) for i in range(5)}
    add_tensors(folder, layers)
    notes = [note for note in compressed(folder, selection="all").notes if "F8_E4M3FNUZ" in note]
    assert len(notes) == 1 and "4 more" in notes[0]


def test_entries_of_the_index_without_a_tensor_are_left_out(tmp_path: Path) -> None:
    index, content = sharded(tmp_path / "model")
    content["weight_map"]["mtp.fc.weight"] = content["weight_map"][TABLE]
    index.write_text(json.dumps(content))
    report = compressed(index.parent)
    assert any("name tensors that do not exist" in note for note in report.notes)
    transformers.AutoModel.from_pretrained(tmp_path / "out")


def test_tensors_without_an_entry_in_the_index_are_copied(tmp_path: Path) -> None:
    index, content = sharded(tmp_path / "model")
    shard = index.parent / content["weight_map"][TABLE]
    save_file({**load_file(shard), "mtp.unused": torch.arange(4.0)}, shard, metadata={"format": "pt"})
    report = compressed(index.parent)
    assert any("have no entry" in note for note in report.notes)
    written = json.loads((tmp_path / "out" / index.name).read_text())["weight_map"]
    assert torch.equal(load_file(tmp_path / "out" / written["mtp.unused"])["mtp.unused"], torch.arange(4.0))


def test_of_a_tensor_in_two_shards_the_last_counts(tmp_path: Path) -> None:
    index, content = sharded(tmp_path / "model")
    names = sorted(set(content["weight_map"].values()))
    first, last = content["weight_map"][TABLE], names[-1]
    assert first != last
    table = load_file(index.parent / first)[TABLE] + 1
    save_file({**load_file(index.parent / last), TABLE: table}, index.parent / last, metadata={"format": "pt"})
    dense = transformers.AutoModel.from_pretrained(index.parent)
    assert torch.equal(dense.get_input_embeddings().weight, table)
    assert any("stored again in a later shard" in note for note in compressed(index.parent).notes)
    loewner.expand(tmp_path / "out", tmp_path / "dense")
    for folder in ("out", "dense"):
        weight = transformers.AutoModel.from_pretrained(tmp_path / folder).get_input_embeddings().weight + 0
        torch.testing.assert_close(weight, table, rtol=0.01, atol=0.01)


def test_a_single_file_counts_more_than_shards(tmp_path: Path) -> None:
    index, _ = sharded(tmp_path / "model")
    other = bert(tmp_path / "other", pad_token_id=1)
    save_file(
        {name: array + 1 for name, array in load_file(other / "model.safetensors").items()},
        index.parent / "model.safetensors",
        metadata={"format": "pt"},
    )
    table = transformers.AutoModel.from_pretrained(index.parent).get_input_embeddings().weight
    notes = compressed(index.parent).notes
    assert any("neither it nor the shards" in note for note in notes)
    encoded = transformers.AutoModel.from_pretrained(tmp_path / "out").get_input_embeddings().weight + 0
    torch.testing.assert_close(encoded, table, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("prefix", ["./", "weights/"])
def test_shards_may_be_named_by_a_path(prefix: str, tmp_path: Path) -> None:
    index, content = sharded(tmp_path / "model")
    names = set(content["weight_map"].values())
    (index.parent / prefix).mkdir(exist_ok=True)
    for name in names:
        (index.parent / name).rename(index.parent / prefix / name)
    content["weight_map"] = {tensor: prefix + name for tensor, name in content["weight_map"].items()}
    index.write_text(json.dumps(content))
    compressed(index.parent)
    transformers.AutoModel.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("name", ["../x.safetensors", "/tmp/x.safetensors", "a/../../x.safetensors"])
def test_shards_outside_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    index, content = sharded(tmp_path / "model")
    content["weight_map"][TABLE] = name
    index.write_text(json.dumps(content))
    with pytest.raises(loewner.IoError, match="path in the folder"):
        loewner.compress(index.parent, tmp_path / "out", bits=8)


@pytest.mark.parametrize("text", ["{", "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"])
def test_a_tokenizer_that_cannot_be_read_gives_a_warning(text: str, tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    (folder / "tokenizer.json").write_text(text)
    report = compressed(folder)
    (note,) = [note for note in report.notes if note.startswith("WARNING")]
    assert "tokenizer.json" in note and "--row-weights none" in note
    assert report.tensors[0].row_weights.startswith("none")


def test_no_warning_if_weights_were_not_asked_for(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    (folder / "tokenizer.json").write_text("{")
    assert not compressed(folder, row_weights="none").notes


def test_a_matrix_that_cannot_meet_the_error_is_left_alone(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    columns = torch.linspace(-1, 1, 64)
    add_tensors(folder, {TABLE: torch.outer(torch.linspace(1, 2, 400), columns)})
    options: dict[str, Any] = {"max_error": 1e-3, "method": "svd", "bits": None}
    report = compressed(folder, selection="all", **options)
    assert [tensor.name for tensor in report.tensors] == [TABLE]
    (note,) = [note for note in report.notes if "left as it is" in note]
    assert "encoder.layer.0.attention" in note and "and 12 more: no encoding" in note
    planned = loewner.compress(folder, dry_run=True, selection="all", max_error=1e-3, method="svd")
    assert [tensor.name for tensor in planned.tensors] == [TABLE] and note in planned.notes
    choices: list[dict[str, Any]] = [{"include": "layer.1.intermediate"}, {"selection": "linear"}]
    for choice in choices:
        with pytest.raises(loewner.BudgetError, match=r"encoder\.layer\."):
            loewner.compress(folder, tmp_path / "other", max_error=1e-3, method="svd", **choice)


@pytest.mark.parametrize("amount", [{"bits": 6}, {"budget": "150kB"}, {"max_error": 0.2}])
def test_a_classifier_with_one_label_is_left_alone(amount: dict[str, Any], tmp_path: Path) -> None:
    folder = bert(tmp_path / "model", transformers.BertForSequenceClassification, num_labels=1)
    report = loewner.compress(folder, tmp_path / "out", selection="all", **amount)
    assert any(note.startswith("classifier.weight cannot be encoded") for note in report.notes)
    transformers.BertForSequenceClassification.from_pretrained(tmp_path / "out")
    with pytest.raises(loewner.IoError, match=r"classifier\.weight"):
        loewner.compress(folder, tmp_path / "named", include="classifier", **amount)


def test_a_tied_table_that_is_stored_as_the_head_is_encoded(tmp_path: Path) -> None:
    config = transformers.LlamaConfig(**{**_BERT, "num_key_value_heads": 2}, tie_word_embeddings=True)
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    assert [tensor.name for tensor in compressed(tmp_path / "model").tensors] == ["lm_head.weight"]
    loewner.expand(tmp_path / "out", tmp_path / "dense")
    encoded = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "out")
    dense = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "dense")
    ids = torch.arange(3, 19).view(2, 8)
    torch.testing.assert_close(encoded(ids).logits, dense(ids).logits, rtol=1e-4, atol=1e-5)


def test_a_folder_with_an_adapter_is_refused_by_name(tmp_path: Path) -> None:
    folder = bert(tmp_path / "model")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(folder)}))
    with pytest.raises(loewner.IoError, match=r"adapter_config\.json: PEFT adapters are not compressed"):
        loewner.compress(folder, tmp_path / "out", bits=8)


class TestVerifyLoad:
    """`loewner verify --load`"""

    def run(self, *arguments: str) -> int:
        from loewner._command_line import _run_in_python

        return run_command_line(["verify", *arguments], _run_in_python)

    def test_holds_for_a_model_that_loads(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        compressed(bert(tmp_path / "model", transformers.BertForMaskedLM), selection="all")
        assert self.run(str(tmp_path / "out"), "--against", str(tmp_path / "model"), "--load") == 0
        assert "BertForMaskedLM" in capfd.readouterr().out

    def test_fails_for_a_model_that_does_not_load(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        folder = bert(tmp_path / "model")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 128}))
        compressed(folder)
        arguments = [str(tmp_path / "out"), "--against", str(folder)]
        assert self.run(*arguments) == 0
        assert self.run(*arguments, "--load") == 5
        assert "does not load it" in capfd.readouterr().err

    def test_needs_the_python_package(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert run_command_line(["verify", "OUT", "--against", "MODEL", "--load"], None) == 2
        assert "loewner[transformers]" in capfd.readouterr().err
