# SPDX-License-Identifier: Apache-2.0
"""Every broken model is refused in one line that names file, tensor and rule; nothing is left behind."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fault_tools as ft
import numpy as np
import pytest

Header = dict[str, Any]


def refusal(tmp_path: Path, code: int = 3, *options: object) -> str:
    out = tmp_path / "out"
    return ft.refusal(code, "compress", tmp_path / "model", "-o", out, *(options or ("--keep", 0.6)), out=out)


def spoiled_header(tmp_path: Path, spoil: Callable[[Header], None]) -> str:
    """What is said of a model whose header was changed."""
    model = ft.write_model(tmp_path / "model")
    header = ft.header_of(ft.tensors())
    spoil(header)
    ft.write_file(model / "model.safetensors", header, ft.data_of(ft.tensors()))
    line = refusal(tmp_path)
    assert "model.safetensors: " in line
    return line


def test_a_sound_model_is_compressed(tmp_path: Path) -> None:
    """The control: what the others spoil."""
    done = ft.run("compress", ft.write_model(tmp_path / "model"), "-o", tmp_path / "out", "--keep", 0.6)
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.run("verify", tmp_path / "out", "--against", tmp_path / "model").returncode == 0


@pytest.mark.parametrize("bytes_kept", [0, 7, 8, 40, 5000])
def test_truncated_file(tmp_path: Path, bytes_kept: int) -> None:
    file = ft.write_model(tmp_path / "model") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:bytes_kept])
    assert "model.safetensors: " in refusal(tmp_path)


@pytest.mark.parametrize("length", [100_000_001, 1 << 40, (1 << 64) - 1])
def test_overlong_header(tmp_path: Path, length: int) -> None:
    model = ft.write_model(tmp_path / "model")
    ft.write_file(model / "model.safetensors", ft.header_of(ft.tensors()), b"", length)
    assert "header" in refusal(tmp_path)


@pytest.mark.parametrize("shift", [-4, 4])
def test_overlapping_offsets_and_holes(tmp_path: Path, shift: int) -> None:
    def spoil(header: Header) -> None:
        header["pooler.dense.weight"]["data_offsets"] = [
            offset + shift for offset in header["pooler.dense.weight"]["data_offsets"]
        ]

    assert "tensor 'pooler.dense.weight'" in spoiled_header(tmp_path, spoil)


@pytest.mark.parametrize("offsets", [[0, 1 << 62], [1 << 62, 1 << 63], [51200, 0], [-4, 51196], ["0", 4], [0]])
def test_offsets_out_of_range(tmp_path: Path, offsets: list[object]) -> None:
    def spoil(header: Header) -> None:
        header[ft.TABLE]["data_offsets"] = offsets

    assert f"tensor '{ft.TABLE}'" in spoiled_header(tmp_path, spoil)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dtype", "F16"),
        ("dtype", "F33"),
        ("dtype", 4),
        ("shape", [400, 33]),
        ("shape", [-400, -32]),
        ("shape", [1 << 32, 1 << 32]),
        ("shape", [1 << 62, 4, 0]),
        ("shape", "400x32"),
    ],
)
def test_wrong_type_or_shape(tmp_path: Path, field: str, value: object) -> None:
    def spoil(header: Header) -> None:
        header[ft.TABLE][field] = value

    assert f"tensor '{ft.TABLE}'" in spoiled_header(tmp_path, spoil)


def test_duplicate_keys(tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model")
    text = json.dumps(ft.header_of(ft.tensors()))
    entry = f'"{ft.TABLE}": {json.dumps(ft.header_of(ft.tensors())[ft.TABLE])}'
    ft.write_file(model / "model.safetensors", text[:-1] + ", " + entry + "}", ft.data_of(ft.tensors()))
    line = refusal(tmp_path)
    assert ft.TABLE in line and "must not be repeated" in line


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', '{"a": {}}', "{" * 200, '\x00{"a":1}'])
def test_headers_that_are_no_header(tmp_path: Path, text: str) -> None:
    model = ft.write_model(tmp_path / "model")
    ft.write_file(model / "model.safetensors", text, b"")
    assert "model.safetensors: " in refusal(tmp_path)


def test_missing_shard(tmp_path: Path) -> None:
    (ft.write_shards(tmp_path / "model") / "model-00002-of-00003.safetensors").unlink()
    assert "model-00002-of-00003.safetensors: cannot open" in refusal(tmp_path)


def test_index_that_names_an_absent_tensor(tmp_path: Path) -> None:
    index = ft.write_shards(tmp_path / "model") / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["absent.weight"] = "model-00001-of-00003.safetensors"
    index.write_text(json.dumps(content))
    done = ft.run("compress", tmp_path / "model", "-o", tmp_path / "out", "--keep", 0.6)
    assert done.returncode == 0, done.stderr  # as transformers: the index may name more than the shards hold


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", ""])
def test_index_that_leaves_the_folder(tmp_path: Path, shard: str) -> None:
    index = ft.write_shards(tmp_path / "model") / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"][ft.TABLE] = shard
    index.write_text(json.dumps(content))
    assert "index.json" in refusal(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_values_that_are_not_finite(tmp_path: Path, value: float, dtype: Any) -> None:
    arrays = ft.tensors()
    arrays[ft.TABLE] = ft.table().astype(dtype)
    arrays[ft.TABLE][321, 17] = value
    ft.write_model(tmp_path / "model", arrays)
    line = refusal(tmp_path)
    assert f"model.safetensors: tensor '{ft.TABLE}' has a non-finite value at row 321, column 17" in line


def test_values_that_are_not_finite_elsewhere_are_none_of_our_business(tmp_path: Path) -> None:
    arrays = ft.tensors()
    arrays["pooler.dense.weight"][0, 0] = np.nan
    ft.write_model(tmp_path / "model", arrays)
    assert ft.run("compress", tmp_path / "model", "-o", tmp_path / "out", "--keep", 0.6).returncode == 0


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_without_rows_to_share(tmp_path: Path, rows: int) -> None:
    ft.write_model(tmp_path / "model", {**ft.tensors(), ft.TABLE: ft.table(rows)})
    line = refusal(tmp_path)
    assert f"model.safetensors: tensor '{ft.TABLE}': expected at least 2 rows" in line and f"got {rows} x 32" in line


def test_a_budget_below_rank_one(tmp_path: Path) -> None:
    ft.write_model(tmp_path / "model")
    line = refusal(tmp_path, 4, "--keep", 0.01)
    assert f"{ft.TABLE}: the budget leaves" in line and "the smallest encoding needs 1064" in line


def test_a_budget_below_the_weights_that_stay(tmp_path: Path) -> None:
    ft.write_model(tmp_path / "model")
    line = refusal(tmp_path, 4, "--budget", "1KB")
    assert "the budget is 1000 bytes, but the weights that stay as they are take " in line
    assert "allow more bytes" in line


def test_factors_bigger_than_the_dense_matrix(tmp_path: Path) -> None:
    """The guard: at 0.9 the f16 factors would have full rank and more bytes than the matrix in f16."""
    ft.write_model(tmp_path / "model")
    line = refusal(tmp_path, 4, "--keep", 0.9, "--factor-format", "f16", "--method", "svd")
    assert f"{ft.TABLE}: rank 32 takes 27648 bytes, but the dense matrix takes 25600" in line


def test_an_error_that_cannot_be_met(tmp_path: Path) -> None:
    ft.write_model(tmp_path / "model")
    assert f"{ft.TABLE}: rank 32 takes" in refusal(tmp_path, 4, "--method", "svd", "--max-error", 1e-6)
    assert f"{ft.TABLE}: no encoding smaller than the matrix" in refusal(tmp_path, 4, "--max-error", 1e-6)


def test_a_later_tensor_that_fails_takes_the_finished_ones_with_it(tmp_path: Path) -> None:
    arrays = ft.tensors()
    arrays["pooler.dense.weight"][3, 4] = np.inf
    ft.write_model(tmp_path / "model", arrays)
    assert "'pooler.dense.weight' has a non-finite value at row 3" in refusal(
        tmp_path, 3, "--keep", 0.7, "--all", "--text", "none"
    )


@pytest.mark.parametrize("config", ["", "[]", "{", '{"vocab_size": 400}', '{"model_type": 3}', '{"a": 1, "a": 2}'])
def test_configurations_that_name_no_model(tmp_path: Path, config: str) -> None:
    (ft.write_model(tmp_path / "model") / "config.json").write_text(config)
    assert "config.json: " in refusal(tmp_path)


def test_no_configuration(tmp_path: Path) -> None:
    (ft.write_model(tmp_path / "model") / "config.json").unlink()
    assert "config.json: cannot open" in refusal(tmp_path)


def test_a_pickle_is_refused_by_name(tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model")
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "pickle checkpoints are not read: convert 'pytorch_model.bin' to safetensors" in refusal(tmp_path)


def test_a_model_that_is_encoded_already(tmp_path: Path) -> None:
    ft.write_model(tmp_path / "original")
    ft.run("compress", tmp_path / "original", "-o", tmp_path / "model", "--keep", 0.6)
    assert "is already quantized (quant_method 'loewner')" in refusal(tmp_path)


def test_a_model_that_is_a_named_pipe_or_a_folder(tmp_path: Path) -> None:
    file = ft.write_model(tmp_path / "model") / "model.safetensors"
    file.unlink()
    file.mkdir()
    assert "model.safetensors" in refusal(tmp_path)


def test_spoiled_row_weights(tmp_path: Path) -> None:
    ft.write_model(tmp_path / "model")
    counts = tmp_path / "counts.tsv"
    counts.write_text("1\t5\n400\t1\n")
    line = refusal(tmp_path, 3, "--keep", 0.6, "--row-weights", counts)
    assert "counts.tsv" in line and "400" in line


class TestSpoiledOutputs:
    """Outputs that were changed after they were written: exit code 5 where a claim fails, 3 where the format breaks."""

    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        ft.run("compress", ft.write_model(tmp_path / "model"), "-o", tmp_path / "out", "--method", "svd", "--keep", 0.6)
        return tmp_path / "out"

    def verify(self, out: Path, code: int) -> str:
        done = ft.run("verify", out, "--against", out.parent / "model", "--quiet")
        assert done.returncode == code and done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    @pytest.mark.parametrize("tensor", ["embeddings.word_embeddings.left", "pooler.dense.weight"])
    def test_flipped_bit(self, out: Path, tensor: str) -> None:
        file = out / "model.safetensors"
        content = bytearray(file.read_bytes())
        (length,) = struct.unpack("<Q", content[:8])
        begin = json.loads(content[8 : 8 + length])[tensor]["data_offsets"][0]
        content[8 + length + begin + 3] ^= 1
        file.write_bytes(content)
        assert "verification failed" in self.verify(out, 5)

    def test_edited_claim(self, out: Path) -> None:
        config = json.loads((out / "config.json").read_text())
        config["quantization_config"]["tensors"][ft.TABLE]["claims"]["relative_error"] *= 0.99
        (out / "config.json").write_text(json.dumps(config))
        assert "verification failed" in self.verify(out, 5)

    def test_other_rank(self, out: Path) -> None:
        config = json.loads((out / "config.json").read_text())
        config["quantization_config"]["tensors"][ft.TABLE]["rank"] += 1
        (out / "config.json").write_text(json.dumps(config))
        line = self.verify(out, 3)
        assert f"tensor '{ft.TABLE}'" in line and "left' must be 400 x" in line

    def test_newer_version(self, out: Path, tmp_path: Path) -> None:
        config = json.loads((out / "config.json").read_text())
        config["quantization_config"]["format_version"] = "2.0"
        (out / "config.json").write_text(json.dumps(config))
        assert "format version 2.0 is newer" in self.verify(out, 3)
        dense = tmp_path / "dense"
        assert "format version 2.0 is newer" in ft.refusal(3, "expand", out, "-o", dense, out=dense)
