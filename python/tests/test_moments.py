# SPDX-License-Identifier: Apache-2.0
"""Moments files: what calibration saves makes the same bytes again, and verify measures the errors of outputs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
from calibrated_models import bert_folder, weights_of, write_text
from loewner import _core
from loewner.transformers.calibration import compress_calibrated, survey, walk
from loewner.transformers.calibration.targets import best_correction
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tokenized_models import model_with_tokenizer

OPTIONS: dict[str, Any] = {"selection": loewner.Selection.all, "budget": 58000}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("moments") / "model")


@pytest.fixture(scope="module")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "text.txt")


@pytest.fixture(scope="module")
def calibrated(model: Path, text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An output, and the moments that were used for it."""
    folder = tmp_path_factory.mktemp("calibrated")
    compress_calibrated(model, folder / "out", text=text_file, save_moments=folder / "moments", **OPTIONS)
    return folder / "out", folder / "moments"


@pytest.fixture(scope="module")
def original_moments(model: Path, text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("original") / "moments"
    loewner.calibrate(model, file, text=text_file, activations=True)
    return file


def description(file: Path) -> dict[str, Any]:
    with safe_open(file, "numpy") as opened:
        return dict(json.loads(opened.metadata()["loewner_moments"]))


def rewritten(file: Path, to: Path, edit: Any) -> Path:
    """The file after edit(description, arrays)."""
    fields, arrays = description(file), load_file(file)
    edit(fields, arrays)
    save_file(arrays, to, {"loewner_moments": json.dumps(fields)})
    return to


@pytest.mark.parametrize("threads", [1, 2])
def test_saved_moments_give_the_same_bytes(
    model: Path, calibrated: tuple[Path, Path], tmp_path: Path, threads: int
) -> None:
    output, moments = calibrated
    before = loewner.num_threads()
    loewner.set_num_threads(threads)
    try:
        _core.compress(model, tmp_path / "again", moments=moments, **OPTIONS)
    finally:
        loewner.set_num_threads(before)
    assert weights_of(tmp_path / "again") == weights_of(output)
    specifications = [
        json.loads((folder / "config.json").read_text())["quantization_config"]["tensors"]
        for folder in (output, tmp_path / "again")
    ]
    for name, specification in specifications[0].items():
        specification.pop("calibration", None)
        assert specification == specifications[1][name]


def test_the_program_reads_moments_too(model: Path, calibrated: tuple[Path, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loewner", "compress", model, "-o", tmp_path / "again", "--all"]
    command += ["--budget", OPTIONS["budget"], "--moments", calibrated[1]]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert (done.returncode, "calibration" in done.stdout) == (0, False), done.stderr
    assert weights_of(tmp_path / "again") == weights_of(calibrated[0])


def test_moments_without_drift_give_other_bytes(
    model: Path, calibrated: tuple[Path, Path], original_moments: Path, tmp_path: Path
) -> None:
    _core.compress(model, tmp_path / "again", moments=original_moments, **OPTIONS)
    assert weights_of(tmp_path / "again") != weights_of(calibrated[0])
    assert all(layer["correction"] == 0 for layer in description(original_moments)["layers"].values())
    assert any(layer["correction"] > 0 for layer in description(calibrated[1])["layers"].values())


def test_layers_share_the_moments_of_shared_inputs(original_moments: Path) -> None:
    fields = description(original_moments)
    layers = fields["layers"]
    assert len(layers) == 14 and len(fields["inputs"]) == 10  # query, key and value of two blocks share theirs
    attention = "encoder.layer.0.attention.self.{}.weight"
    assert len({layers[attention.format(name)]["inputs"] for name in ("query", "key", "value")}) == 1
    assert set(fields["importance"]) == set(layers)


@pytest.mark.parametrize("family", ["albert_masked", "gpt2_head", "t5"])
def test_other_architectures_are_encoded_again(family: str, text_file: Path, tmp_path: Path) -> None:
    folder = model_with_tokenizer(family, tmp_path / "model")
    options: dict[str, Any] = {"selection": loewner.Selection.all, "keep": 0.7}
    compress_calibrated(folder, tmp_path / "out", text=text_file, save_moments=tmp_path / "moments", **options)
    _core.compress(folder, tmp_path / "again", moments=tmp_path / "moments", **options)
    assert weights_of(tmp_path / "again") == weights_of(tmp_path / "out")
    assert loewner.verify(tmp_path / "out", folder, moments=tmp_path / "moments").holds


def test_verify_measures_the_errors_of_outputs(model: Path, calibrated: tuple[Path, Path]) -> None:
    output, moments = calibrated
    report = loewner.verify(output, model, moments=moments)
    assert report.holds and report.notes == ()
    found = [tensor.found.output_error for tensor in report.tensors if tensor.found and tensor.claimed.output_error]
    assert len(found) == 14 and all(found)  # 13 layers and a table
    assert "output errors of 14 tensors are not checked" in loewner.verify(output, model).notes[1]
    with pytest.raises(ValueError, match="need the original model"):
        loewner.verify(output, moments=moments)


def wrong_outputs(report: loewner.VerifyReport) -> list[str]:
    return [tensor.claimed.name for tensor in report.tensors if any("output_error" in f for f in tensor.failures)]


def test_other_and_shuffled_moments_are_detected(
    model: Path, calibrated: tuple[Path, Path], original_moments: Path, tmp_path: Path
) -> None:
    output, moments = calibrated
    assert len(wrong_outputs(loewner.verify(output, model, moments=original_moments))) > 6
    query, other = (f"encoder.layer.{i}.attention.self.query.weight" for i in (0, 1))

    def swap(fields: dict[str, Any], _: dict[str, Any]) -> None:
        layers = fields["layers"]
        layers[query]["inputs"], layers[other]["inputs"] = layers[other]["inputs"], layers[query]["inputs"]

    shuffled = rewritten(moments, tmp_path / "shuffled", swap)
    assert wrong_outputs(loewner.verify(output, model, moments=shuffled)) == [query, other]


def test_moments_of_another_model_are_refused(
    model: Path, calibrated: tuple[Path, Path], text_file: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(model, tmp_path / "other"))
    arrays = load_file(other / "model.safetensors")
    arrays["encoder.layer.0.output.dense.weight"][0, 0] += 1
    save_file(arrays, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(loewner.IoError, match="was made for another model"):
        _core.compress(other, tmp_path / "out", moments=calibrated[1], **OPTIONS)
    with pytest.raises(loewner.IoError, match="was made for another model"):
        loewner.verify(calibrated[0], other, moments=calibrated[1])

    def rename(fields: dict[str, Any], _: dict[str, Any]) -> None:
        fields["layers"]["no.such.layer"] = next(iter(fields["layers"].values()))

    renamed = rewritten(calibrated[1], tmp_path / "renamed", rename)
    with pytest.raises(loewner.IoError, match=r"'no.such.layer' is not a tensor of"):
        loewner.verify(calibrated[0], model, moments=renamed)

    def shrink(fields: dict[str, Any], arrays: dict[str, Any]) -> None:
        name = fields["layers"]["encoder.layer.0.output.dense.weight"]["inputs"]
        for kind in ("second", "cross"):
            arrays[f"{kind}.{name}"] = np.ascontiguousarray(arrays[f"{kind}.{name}"][:5, :5])

    shrunk = rewritten(calibrated[1], tmp_path / "shrunk", shrink)
    with pytest.raises(loewner.IoError, match=r"'encoder.layer.0.output.dense.weight' has 128 inputs, but array"):
        loewner.verify(calibrated[0], model, moments=shrunk)


def test_a_run_without_a_text_saves_no_moments(model: Path, tmp_path: Path) -> None:
    for text in ("none", None):  # the model does not know the words of the package's text
        with pytest.raises(ValueError, match=r"needs a calibration text|does not know the words"):
            loewner.compress(model, tmp_path / "out", text=text, save_moments=tmp_path / "moments", **OPTIONS)
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_needs_no_second_survey(
    model: Path, text_file: Path, calibrated: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrections: list[int] = []
    stop_at = 5

    def counted(*arguments: Any) -> float:
        corrections.append(1)
        if len(corrections) == stop_at:
            raise KeyboardInterrupt
        return best_correction(*arguments)

    options = {**OPTIONS, "text": text_file, "save_moments": tmp_path / "moments"}
    monkeypatch.setattr(walk, "best_correction", counted)
    with pytest.raises(KeyboardInterrupt):
        compress_calibrated(model, tmp_path / "out", **options)
    assert (tmp_path / "out.partial").exists() and not (tmp_path / "out").exists()
    monkeypatch.setattr(survey.Surveyor, "survey", lambda *_: pytest.fail("the survey is repeated"))
    stop_at = 0
    compress_calibrated(model, tmp_path / "out", if_exists=loewner.IfExists.resume, **options)
    assert len(corrections) == 5 + 13 - 4  # of the layers that were not finished
    assert weights_of(tmp_path / "out") == weights_of(calibrated[0])
    _core.compress(model, tmp_path / "again", moments=tmp_path / "moments", **OPTIONS)
    assert weights_of(tmp_path / "again") == weights_of(calibrated[0])


KILLED_RUN = """
import sys, time
from pathlib import Path
import loewner
from loewner.transformers.calibration import compress_calibrated, walk

model, text, out, marker = map(Path, sys.argv[1:])
best_correction, calls = walk.best_correction, []

def wait(*arguments):
    calls.append(1)
    if len(calls) == 7:
        marker.touch()
        time.sleep(600)
    return best_correction(*arguments)

walk.best_correction = wait
compress_calibrated(
    model, out, text=text, save_moments=out.with_name("moments"), selection=loewner.Selection.all, budget=58000
)
"""


def test_a_killed_run_leaves_no_output_and_is_resumed(
    model: Path, text_file: Path, calibrated: tuple[Path, Path], tmp_path: Path
) -> None:
    out, marker = tmp_path / "out", tmp_path / "marker"
    process = subprocess.Popen([sys.executable, "-c", KILLED_RUN, *map(str, (model, text_file, out, marker))])
    while not marker.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not out.exists() and not (tmp_path / "moments").exists() and (tmp_path / "out.partial").exists()
    resume = {**OPTIONS, "text": text_file, "if_exists": loewner.IfExists.resume}
    compress_calibrated(model, out, save_moments=tmp_path / "moments", **resume)
    assert weights_of(out) == weights_of(calibrated[0])
    assert not (tmp_path / "out.partial").exists()
    assert loewner.verify(out, model, moments=tmp_path / "moments").holds
