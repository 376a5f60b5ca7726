# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import loewner
import pytest
from command_runs import Command
from tokenized_models import SPECIAL, WORDS, model_with_tokenizer, text


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_with_tokenizer("bert", tmp_path_factory.mktemp("calibrate") / "model")


def test_counts_are_those_of_the_text_and_compress_reads_them(model: Path, tmp_path: Path, command: Command) -> None:
    lines = text(5000)  # more lines than one batch
    (tmp_path / "text").write_text("\n\n".join(lines), encoding="utf-8")
    done = command(
        "calibrate", model, "--text", tmp_path / "text", "-o", tmp_path / "counts", "--json", tmp_path / "said"
    )
    assert done.returncode == 0, done.stderr
    ids = {word: i for i, word in enumerate(SPECIAL + WORDS)}
    expected = Counter(ids[word] for line in lines for word in line.split())
    rows = [line.split("\t") for line in (tmp_path / "counts").read_text().splitlines()]
    assert {int(i): int(count) for i, count in rows} == expected
    assert json.loads((tmp_path / "said").read_text())["tokens"] == 12 * 5000
    report = loewner.compress(model, tmp_path / "out", keep=0.5, row_weights=tmp_path / "counts")
    assert report.tensors[0].row_weights.startswith("token counts")


def test_bad_input_is_named_and_no_file_is_written(model: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "empty").write_text("\n \n", encoding="utf-8")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    for name, code, word in (("empty", 2, "not empty"), ("none", 3, "none"), ("latin", 3, "utf-8")):
        done = command("calibrate", model, "--text", tmp_path / name, "-o", tmp_path / "counts")
        assert (done.returncode, word in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "counts").exists()
