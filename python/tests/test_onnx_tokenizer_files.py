# SPDX-License-Identifier: Apache-2.0
"""The tokenizer files of exported folders have what older programs look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import pytest
import transformers
from loewner.onnx.export.tokenizer_files import complete_tokenizer
from tokenized_models import save_tokenizer


def completed(folder: Path, change: dict[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of a tokenizer that transformers 5 saved, after completion."""
    save_tokenizer(folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **(change or {})}))
    path.chmod(0o440)
    complete_tokenizer(folder)
    assert path.stat().st_mode & 0o777 == 0o440
    config: dict[str, Any] = json.loads(path.read_text())
    return config


def test_special_tokens_and_the_older_class_are_named(tmp_path: Path) -> None:
    object_of_token = {"__type": "AddedToken", "content": "[UNK]", "lstrip": False}
    config = completed(tmp_path, {"unk_token": object_of_token, "extra_special_tokens": ["w0"]})
    assert json.loads((tmp_path / "special_tokens_map.json").read_text()) == {
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
    }
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["additional_special_tokens"] == ["w0"] and "extra_special_tokens" not in config
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer("w0 w1")["input_ids"] == [4, 5] and tokenizer.pad_token == "[PAD]"


@pytest.mark.parametrize(
    ("model", "sentence", "length"),
    [
        ({"model_type": "bert", "max_position_embeddings": 40, "pad_token_id": 0}, None, 40),
        ({"model_type": "roberta", "max_position_embeddings": 42, "pad_token_id": 1}, None, 40),
        ({"model_type": "bert", "max_position_embeddings": 40}, 30, 30),
        ({"model_type": "t5"}, None, int(1e30)),
    ],
)
def test_the_length_is_that_of_the_model(tmp_path: Path, model: Any, sentence: int | None, length: int) -> None:
    (tmp_path / "config.json").write_text(json.dumps(model))
    if sentence is not None:
        (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": sentence}))
    assert completed(tmp_path)["model_max_length"] == length


def test_a_complete_tokenizer_stays_as_it_is(tmp_path: Path) -> None:
    given = {"model_max_length": 20, "tokenizer_class": "PreTrainedTokenizerFast"}
    (tmp_path / "special_tokens_map.json").write_text("{}")
    config = completed(tmp_path, given)
    assert config["model_max_length"] == 20
    assert (tmp_path / "special_tokens_map.json").read_text() == "{}"


def test_a_folder_without_a_tokenizer_gets_none(tmp_path: Path) -> None:
    complete_tokenizer(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_configuration_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("[]")
    with pytest.raises(loewner.IoError, match=r"tokenizer_config\.json: expected a JSON object"):
        complete_tokenizer(tmp_path)
