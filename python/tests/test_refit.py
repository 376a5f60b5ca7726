# SPDX-License-Identifier: Apache-2.0
"""`loewner refit` on small random models with artificial tokenizers."""

from __future__ import annotations

import json
from pathlib import Path

import loewner
import numpy as np
import pytest
import torch
import transformers
from command_runs import Command
from loewner.transformers.refit import refit
from tokenized_models import model_with_tokenizer, text


@pytest.fixture(params=["bert", "gpt2_head", "llama_head", "t5"])
def compressed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A model and its encoded folder, with all matrices in two factors."""
    return model_and_output(request.param, tmp_path)


def model_and_output(family: str, folder: Path, method: str = "svd") -> tuple[Path, Path]:
    model = model_with_tokenizer(family, folder / "model")
    loewner.compress(
        model,
        folder / "out",
        keep=0.6 if method == "int8" else None,
        max_error=None if method == "int8" else 0.5,
        selection="all",
        method=method,
        row_weights="none",
        factor_format="f16",
    )
    return model, folder / "out"


def layer_outputs(folder: Path, model_folder: Path, layers: list[str], lines: list[str]) -> dict[str, torch.Tensor]:
    """The outputs of the named modules in one forward pass of the model."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    name = transformers.AutoConfig.from_pretrained(model_folder).architectures[0]
    model = loewner.load(folder, model_class=getattr(transformers, name)).eval()
    outputs: dict[str, torch.Tensor] = {}
    for layer in layers:
        model.get_submodule(layer).register_forward_hook(
            lambda _, __, output, layer=layer: outputs.update({layer: output})
        )
    batch = tokenizer(lines, return_tensors="pt", padding=True)
    more = {"decoder_input_ids": batch["input_ids"]} if model.config.is_encoder_decoder else {}
    with torch.inference_mode():
        model(**batch, **more)
    return outputs


def estimated_ratios(report: loewner.CompressReport) -> list[float]:
    assert all(tensor.refit for tensor in report.tensors)
    return [tensor.refit.estimated_ratio for tensor in report.tensors if tensor.refit]


def test_outputs_are_closer_to_those_of_the_original(compressed: tuple[Path, Path], tmp_path: Path) -> None:
    model, output = compressed
    report = refit(output, model, tmp_path / "refit", text(200), rows=400)
    assert all(ratio <= 1 for ratio in estimated_ratios(report))
    layers = [tensor.name.removesuffix(".weight") for tensor in report.tensors]
    wanted, before, after = (
        layer_outputs(folder, model, layers, text(40, seed=1)) for folder in (model, output, tmp_path / "refit")
    )
    ratios = [
        float(torch.linalg.norm(after[layer] - wanted[layer]) / torch.linalg.norm(before[layer] - wanted[layer]))
        for layer in wanted
    ]
    assert len(ratios) >= 6
    assert np.mean(ratios) < 0.9
    assert loewner.verify(tmp_path / "refit", model).holds


@pytest.mark.parametrize("p", [1.0, 4.0])
def test_other_exponents_lower_the_error_of_their_norm(tmp_path: Path, p: float) -> None:
    model, output = model_and_output("bert", tmp_path)
    report = refit(output, model, tmp_path / "refit", text(60), rows=300, norm_exponent=p)
    ratios = estimated_ratios(report)
    assert max(ratios) <= 1
    assert np.mean(ratios) < 0.95
    assert loewner.verify(tmp_path / "refit", model).holds


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    model, output = model_and_output("bert", tmp_path)
    for name in ("a", "b"):
        refit(output, model, tmp_path / name, text(30), rows=100, seed=3)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_the_input_folder_is_not_changed(tmp_path: Path) -> None:
    model, output = model_and_output("bert", tmp_path)
    before = {file.name: file.read_bytes() for file in output.iterdir() if file.is_file()}
    refit(output, model, tmp_path / "refit", text(30), rows=100)
    assert before == {file.name: file.read_bytes() for file in output.iterdir() if file.is_file()}


@pytest.mark.parametrize(
    ("lines", "rows", "message"),
    [([], 10, "at least one line"), (["  ", ""], 10, "at least one line"), (["w1 w2"], 1, "rows must be at least 2")],
)
def test_empty_texts_and_single_rows_are_refused(tmp_path: Path, lines: list[str], rows: int, message: str) -> None:
    model, output = model_and_output("bert", tmp_path)
    with pytest.raises(ValueError, match=message):
        refit(output, model, tmp_path / "refit", lines, rows=rows)
    assert not (tmp_path / "refit").exists()


def test_an_output_without_factors_is_refused(tmp_path: Path) -> None:
    model, output = model_and_output("bert", tmp_path, "int8")
    with pytest.raises(ValueError, match="no layer is stored in two factors"):
        refit(output, model, tmp_path / "refit", text(3), rows=10)


def test_the_command_prints_a_table_and_writes_the_report(tmp_path: Path, command: Command) -> None:
    model, output = model_and_output("bert", tmp_path)
    (tmp_path / "text.txt").write_text("\n".join(text(30)), encoding="utf-8")
    source = ["--against", model, "--text", tmp_path / "text.txt", "--rows", 50]
    done = command("refit", output, *source, "-o", tmp_path / "refit", "--json", tmp_path / "report.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "embeddings.word_embeddings.weight" in done.stdout
    record = json.loads((tmp_path / "report.json").read_text())["tensors"][0]["refit"]
    assert record["factor"] == "right"
    assert record["chosen"] == 50
    again = command("refit", output, *source, "-o", tmp_path / "refit")
    assert again.returncode == 3
    assert "exists" in again.stderr
    assert command("refit", output, *source, "-o", tmp_path / "refit", "--overwrite", "--quiet").stdout == ""


def test_failures_of_the_command_have_their_exit_codes(tmp_path: Path, command: Command) -> None:
    model, output = model_and_output("bert", tmp_path)
    options = ["--against", model, "-o", tmp_path / "refit"]
    assert command("refit", output, *options, "--text", tmp_path / "none.txt", "--rows", 5).returncode == 3
    assert command("refit", output, *options, "--rows", 5).returncode == 2
    (tmp_path / "text.txt").write_bytes(b"\xff\xfe")
    refused = command("refit", output, *options, "--text", tmp_path / "text.txt", "--rows", 5)
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1)
