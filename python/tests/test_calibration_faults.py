# SPDX-License-Identifier: Apache-2.0
"""Calibration of models that cannot be run, and texts that are none.

With a text that the user names it is an error; otherwise linear layers are coded blindly, and a note says why.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
from calibrated_models import bert, bert_folder, write_text
from encoded_models import VOCABULARY
from loewner import _texts
from loewner.transformers.calibration import NoCalibration, compress_calibrated, sequences
from safetensors.torch import load_file, save_file
from tokenized_models import SPECIAL, WORDS, save_tokenizer, text
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoTokenizer,
    BertModel,
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTModel,
)

OPTIONS: dict[str, Any] = {"selection": "all", "keep": 0.5}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("faults") / "model")


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    return write_text(tmp_path / "text.txt")


def with_weights(model: Path, to: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    shutil.copytree(model, to)
    arrays = load_file(to / "model.safetensors")
    edit(arrays)
    save_file(arrays, to / "model.safetensors", {"format": "pt"})
    return to


def require_error_with_text_and_note_without(model: Path, text_file: Path, output: Path, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        loewner.compress(model, output, text=text_file, **OPTIONS)
    assert not output.exists() and not output.with_name(output.name + ".partial").exists()
    report = loewner.compress(model, output, **OPTIONS)
    assert any("without calibration" in note and reason in note for note in report.notes), report.notes
    assert loewner.verify(output, model).holds


def overflow(arrays: dict[str, Any]) -> None:
    arrays["encoder.layer.0.output.LayerNorm.weight"].fill_(3e38)


def test_inputs_that_are_not_finite_are_named_by_their_layer(model: Path, text_file: Path, tmp_path: Path) -> None:
    broken = with_weights(model, tmp_path / "broken", overflow)
    with pytest.raises(NoCalibration, match=r"encoder\.layer\.1\.attention\.self\.query\.weight: its inputs"):
        compress_calibrated(broken, tmp_path / "out", text=text_file, **{**OPTIONS, "selection": loewner.Selection.all})


def test_a_model_without_a_tokenizer(model: Path, text_file: Path, tmp_path: Path) -> None:
    without = Path(shutil.copytree(model, tmp_path / "without"))
    for file in without.glob("tokenizer*"):
        file.unlink()
    require_error_with_text_and_note_without(without, text_file, tmp_path / "out", "the folder has no tokenizer")


def test_a_forward_that_fails(model: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "package_text", lambda: text(20))  # in words of the model
    monkeypatch.setattr(BertModel, "forward", lambda *_, **__: 1 / 0)
    require_error_with_text_and_note_without(model, text_file, tmp_path / "out", "division by zero")


_TOWER: dict[str, Any] = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48)


def test_models_that_need_images(text_file: Path, tmp_path: Path) -> None:
    ViTModel(ViTConfig(**_TOWER, image_size=8, patch_size=4)).save_pretrained(tmp_path / "vit")
    require_error_with_text_and_note_without(tmp_path / "vit", text_file, tmp_path / "a", "the folder has no tokenizer")
    towers = CLIPConfig(
        text_config={**_TOWER, "vocab_size": VOCABULARY},
        vision_config={**_TOWER, "image_size": 8, "patch_size": 4},
        projection_dim=16,
    )
    CLIPModel(towers).save_pretrained(tmp_path / "clip")
    save_tokenizer(tmp_path / "clip")
    require_error_with_text_and_note_without(
        tmp_path / "clip", text_file, tmp_path / "b", "a forward of the model fails"
    )


def test_a_model_in_float16_runs_in_float32(text_file: Path, tmp_path: Path) -> None:
    model = bert(64, VOCABULARY)
    model.embeddings.word_embeddings.weight.mul_(1e4)
    for table in (model.embeddings.token_type_embeddings, model.embeddings.position_embeddings):
        table.weight.fill_(6e4)
    half = model.half()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        assert not torch.isfinite(half(torch.tensor([[5, 6, 7]])).last_hidden_state).all()  # control
    half.save_pretrained(tmp_path / "half")
    save_tokenizer(tmp_path / "half")
    report = loewner.compress(tmp_path / "half", tmp_path / "out", text=text_file, **OPTIONS)
    assert report.calibration is not None and 0 < report.calibration["measured"] < 1


def test_a_tokenizer_without_special_tokens(model: Path, text_file: Path, tmp_path: Path) -> None:
    plain = Path(shutil.copytree(model, tmp_path / "plain"))
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(SPECIAL + WORDS)}, unk_token=WORDS[0]))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, model_input_names=["input_ids", "attention_mask"]
    ).save_pretrained(plain)
    tokenizer = AutoTokenizer.from_pretrained(plain)
    assert tokenizer.unk_token is None and tokenizer.num_special_tokens_to_add() == 0
    report = loewner.compress(plain, tmp_path / "out", text=text_file, **OPTIONS)
    assert report.calibration is not None and report.calibration["measured"] > 0


def test_texts_of_one_line_and_of_one_word(model: Path, tmp_path: Path) -> None:
    for number, line in enumerate((text(1)[0], "w0")):
        file = tmp_path / f"{number}.txt"
        file.write_text(line)
        report = loewner.compress(model, tmp_path / str(number), text=file, **OPTIONS)
        assert report.calibration is not None and report.calibration["measured"] > 0
        assert loewner.verify(tmp_path / str(number), model).holds


@pytest.mark.parametrize("method", ["svd", "int8"])
def test_methods_that_weigh_outputs_are_calibrated(model: Path, text_file: Path, tmp_path: Path, method: str) -> None:
    moments = tmp_path / "moments"
    given: dict[str, Any] = {**OPTIONS, "method": method, "selection": "linear"}
    report = loewner.compress(model, tmp_path / "out", text=text_file, save_moments=moments, **given)
    assert report.calibration is not None and all(tensor.output_error for tensor in report.tensors)
    assert loewner.verify(tmp_path / "out", model, moments=moments).holds
    blind = loewner.compress(model, tmp_path / "blind", text="none", **given)
    with pytest.raises(ValueError, match="a method that minimizes errors of outputs"):
        loewner.compress(model, tmp_path / "other", text=text_file, **{**given, "method": "archetypes"})
    assert blind.calibration is None


def test_texts_that_are_none(model: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"w1 w2\n\0\1")
    for file, error, reason in (
        (binary, ValueError, "expected a text file"),
        (tmp_path / "absent", FileNotFoundError, "absent"),
    ):
        with pytest.raises(error, match=reason):
            loewner.compress(model, tmp_path / "out", text=file, **OPTIONS)
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_of_a_huge_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    line = b"word " * 2000 + b"\n"
    with huge.open("wb") as file:
        file.write(line * (_texts.MOST_BYTES // len(line) + 1))
        file.truncate(10_000_000_000)  # the rest, which takes no space, would be refused as binary
    lines = _texts.lines_of(huge)
    assert sum(map(len, lines)) < 1.01 * _texts.MOST_BYTES
