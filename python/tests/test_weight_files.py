# SPDX-License-Identifier: Apache-2.0
"""Weight files of a folder: broken ones are named, and an index leads to no other files."""

from __future__ import annotations

import json
from pathlib import Path

import fault_tools as ft
import loewner
import numpy as np
import pytest
from loewner._weight_files import INDEX, file_of_each
from safetensors.numpy import save_file
from static_models import model2vec


@pytest.mark.parametrize(
    ("shard", "said"),
    [
        ("/etc/model.safetensors", "got '/etc/model.safetensors'"),
        ("../model.safetensors", "got '../model.safetensors'"),
        ("a/../../model.safetensors", "shard must be a path in the folder"),
        ("a\\model.safetensors", "shard must be a path in the folder"),
        ("passwd", "that ends in .safetensors"),
        ("a\n.safetensors", "shard must be a path in the folder"),
        (3, "shard must be a string, got int"),
    ],
)
def test_an_index_that_leaves_its_folder_is_refused(tmp_path: Path, shard: object, said: str) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"inside": "a/b.safetensors", "table": shard}}))
    with pytest.raises(loewner.IoError) as error:
        file_of_each(tmp_path)
    assert f"{tmp_path / INDEX}: tensor 'table'" in str(error.value) and said in str(error.value)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"inside": "a/b.safetensors"}}))
    assert file_of_each(tmp_path) == {"inside": tmp_path / "a" / "b.safetensors"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON file"),
        ("[" * 100_000, "is no JSON file"),
        ("[]", "expected a JSON object"),
        ("{}", "weight_map must be an object"),
        ('{"weight_map": {}}', "weight_map must be an object"),
        ('{"weight_map": {"embeddings": "../secret.safetensors"}}', "shard must be a path in the folder"),
    ],
)
def test_verify_names_a_broken_index(tmp_path: Path, text: str, said: str) -> None:
    model = model2vec(tmp_path / "model")
    loewner.compress(model, tmp_path / "small", bits=5)
    file = loewner.export(tmp_path / "small", tmp_path / "out").file
    save_file({"embeddings": np.zeros((4, 4), np.float32)}, tmp_path / "secret.safetensors")
    assert ft.run("verify", file, "--against", model).returncode == 0
    (model / INDEX).write_text(text)
    line = ft.refusal(3, "verify", file, "--against", model)
    assert str(model / INDEX) in line and said in line


def test_a_broken_weight_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(loewner.IoError, match=r"model\.safetensors: is no safetensors file"):
        file_of_each(tmp_path)
