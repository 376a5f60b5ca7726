# SPDX-License-Identifier: Apache-2.0
"""Files of a model that are copied, left out or kept under another name."""

import json
from pathlib import Path

import fault_tools as ft
import pytest

COMPRESS = ["--keep", 0.6]


def compressed(tmp_path: Path, *options: object) -> str:
    done = ft.run("compress", tmp_path / "model", "-o", tmp_path / "out", *COMPRESS, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_weights_in_other_formats_are_left_out_and_named(tmp_path: Path) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    foreign = ["pytorch_model.bin", "model.gguf", "tf_model.h5", "flax_model.msgpack", "original/params.json"]
    foreign += ["checkpoint-5/model.safetensors", "optimizer.pt"]
    for name in [*foreign, "vocab.txt", "2_Dense/pytorch_model.bin"]:
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(name)
    printed = compressed(tmp_path)
    assert "--copy-all copies them" in printed
    for name in foreign:
        assert not (out / name).exists()
        assert (name if "/" not in name else name.split("/")[0] + "/") in printed
    for name in ("vocab.txt", "2_Dense/pytorch_model.bin"):
        assert (out / name).read_text() == name
    assert "not copied" not in compressed(tmp_path, "--copy-all", "--overwrite")
    for name in foreign:
        assert (out / name).read_text() == name


def test_links_to_folders_are_copied_and_broken_links_named(tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model")
    (tmp_path / "pooling").mkdir()
    (tmp_path / "pooling" / "config.json").write_text("{}")
    (model / "1_Pooling").symlink_to(tmp_path / "pooling")
    (model / "self").symlink_to(model)
    (model / "broken").symlink_to("nowhere")
    printed = compressed(tmp_path)
    assert (tmp_path / "out" / "1_Pooling" / "config.json").read_text() == "{}"
    assert not (tmp_path / "out" / "1_Pooling").is_symlink()
    assert "not copied: broken is a broken link" in printed and "not copied: self is a link to" in printed


def test_permissions_are_kept(tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model")
    for name, mode in {"tokens.txt": 0o600, "run.sh": 0o700, "config.json": 0o640, "model.safetensors": 0o600}.items():
        (model / name).touch()
        (model / name).chmod(mode)
    model.chmod(0o700)
    compressed(tmp_path)
    assert ft.run("expand", tmp_path / "out", "-o", tmp_path / "dense").returncode == 0
    for path in [model, *model.iterdir()]:
        for copy in ("out", "dense"):
            found = tmp_path / copy / path.relative_to(model)
            assert found.stat().st_mode == path.stat().st_mode, found


@pytest.mark.parametrize("names", [["README.md", "README.base.md"], ["README.base.md"], ["README.md"], []])
def test_model_cards_are_kept_and_restored(tmp_path: Path, names: list[str]) -> None:
    model = ft.write_model(tmp_path / "model")
    for name in names:
        (model / name).write_text(f"the model's {name}")
    compressed(tmp_path)
    kept = {path.read_text() for path in (tmp_path / "out").glob("README*")}
    assert {f"the model's {name}" for name in names} < kept
    assert "is missing" not in ft.run("verify", tmp_path / "out", "--against", model).stdout
    assert ft.run("expand", tmp_path / "out", "-o", tmp_path / "dense").returncode == 0
    dense = {path.name: path.read_text() for path in (tmp_path / "dense").glob("README*")}
    assert dense == {name: f"the model's {name}" for name in names}


@pytest.mark.parametrize("value", ["Infinity", "-Infinity", "NaN", str(10**30), "1e400"])
def test_numbers_of_config_json_are_kept(tmp_path: Path, value: str) -> None:
    text = json.dumps({**ft.CONFIG, "time_step_limit": [0.0, "VALUE"]}).replace('"VALUE"', value)
    model = ft.write_model(tmp_path / "model")
    (model / "config.json").write_text(text)
    assert ft.run("inspect", model).returncode == 0
    compressed(tmp_path)
    assert ft.run("verify", tmp_path / "out", "--against", model).returncode == 0
    assert ft.run("expand", tmp_path / "out", "-o", tmp_path / "dense").returncode == 0
    for folder in ("out", "dense"):
        config = json.loads((tmp_path / folder / "config.json").read_text())
        assert repr(config["time_step_limit"]) == repr(json.loads(text)["time_step_limit"])


def test_expand_restores_config_json(tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model")
    compressed(tmp_path)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["torch_dtype"] == "float32"
    assert ft.run("expand", tmp_path / "out", "-o", tmp_path / "dense").returncode == 0
    assert json.loads((tmp_path / "dense" / "config.json").read_text()) == json.loads(
        (model / "config.json").read_text()
    )


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("onnx/model.onnx", "'onnx/model.onnx' is an ONNX model"),
        ("pytorch_model.bin", "'pytorch_model.bin' is a pickle"),
        ("0_Transformer/config.json", "'0_Transformer' has a config.json"),
    ],
)
def test_a_folder_without_configuration_is_described(tmp_path: Path, file: str, said: str) -> None:
    (tmp_path / "model" / file).parent.mkdir(parents=True)
    (tmp_path / "model" / file).write_text("{}")
    line = ft.refusal(3, "compress", tmp_path / "model", "-o", tmp_path / "out", *COMPRESS)
    assert f"{tmp_path / 'model'}/config.json: cannot open" in line and said in line
