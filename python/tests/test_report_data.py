# SPDX-License-Identifier: Apache-2.0
"""The content of a report agrees with NumPy and with the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fault_tools as ft
import loewner
import numpy as np
import pytest
from loewner.reporting.data import Report
from loewner.reporting.gather import gather
from loewner.reporting.markup import readable
from loewner.reporting.nearest_tokens import nearest_tokens
from loewner.reporting.page import page
from loewner.reporting.row_errors import WORST
from loewner.reporting.scale import MOST_TICKS, Scale
from reported_models import NASTY, VOCABULARY, model_and_output, table_of
from safetensors.numpy import load_file


def matrices(reported: tuple[Path, Path], folder: Path) -> tuple[Any, Any]:
    """The table before and after encoding, the latter as `expand` writes it."""
    loewner.expand(reported[1], folder / "dense")
    before, after = (load_file(f / "model.safetensors")[ft.TABLE] for f in (reported[0], folder / "dense"))
    return before.astype(np.float64), after.astype(np.float64)


def test_row_errors_are_those_of_numpy(reported: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    before, after = matrices(reported, tmp_path)
    relative = np.linalg.norm(before - after, axis=1) / np.linalg.norm(before, axis=1)
    study = table_of(report).study
    assert study is not None
    assert study.relative_error == pytest.approx(np.linalg.norm(before - after) / np.linalg.norm(before), rel=1e-5)
    quantiles = study.rows.all
    expected = np.quantile(relative, [0.1, 0.5, 0.9, 1.0])
    found = [quantiles.low, quantiles.median, quantiles.high, quantiles.largest]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    worst = np.argsort(-relative)[:WORST]
    assert [(token.id, token.token) for token in study.rows.worst] == [(i, readable(VOCABULARY[i])) for i in worst]
    assert {readable(token) for token in NASTY} <= {token.token for token in study.rows.worst}


def test_a_tokenizer_that_cannot_be_read_leaves_out_the_tokens(tmp_path: Path) -> None:
    model, output = model_and_output(tmp_path, "--bits", "5", "--row-weights", "none")
    for folder in (model, output):
        for file in folder.glob("*token*"):
            file.unlink()
        (folder / "tokenizer.json").write_text("{")
    table = table_of(gather(output, model))
    assert table.study is not None
    assert [note for note in table.study.notes if "tokenizer.json" in note]
    assert not table.study.rows.worst


def test_bands_hold_every_token_once_from_frequent_to_rare(
    reported: tuple[Path, Path], report: Report, tmp_path: Path
) -> None:
    before, after = matrices(reported, tmp_path)
    relative = np.linalg.norm(before - after, axis=1) / np.linalg.norm(before, axis=1)
    study = table_of(report).study
    assert study is not None
    bands = study.rows.bands
    assert [band.first for band in bands] == [1, *(band.last + 1 for band in bands[:-1])]
    assert bands[-1].last == len(relative)
    # Frequency ranks are the order of the file here: two special tokens, then ordinary ones.
    for band in bands:
        assert band.quantiles.median == pytest.approx(np.median(relative[band.first - 1 : band.last]), rel=1e-5)


def test_spectrum_is_that_of_the_singular_values(reported: tuple[Path, Path], report: Report) -> None:
    values = np.linalg.svd(load_file(reported[0] / "model.safetensors")[ft.TABLE].astype(np.float64), compute_uv=False)
    norm = np.linalg.norm(values)
    study = table_of(report).study
    assert study is not None and study.spectrum_exact
    for point in study.spectrum:
        assert point.left**2 == pytest.approx((np.linalg.norm(values[point.rank :]) / norm) ** 2, abs=1e-6)
        if point.direction is not None:
            assert point.direction**2 == pytest.approx((values[point.rank - 1] / norm) ** 2, abs=1e-6)


def test_sizes_are_those_of_the_files(reported: tuple[Path, Path], report: Report) -> None:
    for folder, weights, whole in (
        (reported[0], report.sizes.weights_before, report.sizes.folder_before),
        (reported[1], report.sizes.weights_after, report.sizes.folder_after),
    ):
        assert weights == (folder / "model.safetensors").stat().st_size
        assert whole == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert sum(tensor.bytes_after for tensor in report.tensors) > 0
    for tensor in report.tensors:
        assert tensor.bytes_before is not None and tensor.bytes_before > 4 * tensor.rows * tensor.cols


def test_candidates_include_the_chosen_encoding(report: Report) -> None:
    """The curve of the chosen method passes close to the stored size and error."""
    tensor = table_of(report)
    assert tensor.study is not None
    points = tensor.study.offers[tensor.method]
    bytes_, errors = [p.bytes for p in points], [p.error for p in points]
    assert bytes_ == sorted(bytes_) and errors == sorted(errors, reverse=True)
    expected = np.exp(np.interp(np.log(tensor.study.array_bytes), np.log(bytes_), np.log(errors)))
    assert tensor.weighted_relative_error == pytest.approx(expected, rel=0.25)


def test_only_tensors_that_match_the_pattern_are_compared_with_the_original(reported: tuple[Path, Path]) -> None:
    found = gather(reported[1], reported[0], pattern="query")
    assert [t.name for t in found.tensors if t.study] == ["encoder.layer.0.attention.self.query.weight"]


def test_nearest_tokens_have_the_largest_cosines() -> None:
    random = np.random.default_rng(2)
    rows = random.standard_normal((50, 6)).astype(np.float32)
    rows[7] = 0  # has no direction
    directions = np.stack([3 * rows[11], -2 * rows[30], random.standard_normal(6)])
    names = [f"t{i}" for i in range(50)]
    found = nearest_tokens(directions, [rows[:20], rows[20:21], rows[21:]], names, count=3)
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    cosines = directions / np.linalg.norm(directions, axis=1, keepdims=True) @ unit.T
    for near, expected in zip(found, cosines, strict=True):
        assert [n.token for n in near] == [f"t{i}" for i in np.argsort(-expected)[:3]]
        np.testing.assert_allclose([n.cosine for n in near], np.sort(expected)[::-1][:3], atol=1e-6)
    assert found[0][0].token == "t11" and found[1][0].token != "t30"


def test_archetypes_are_shown_with_their_nearest_tokens(tmp_path: Path) -> None:
    options = ("--bits", "6", "--method", "archetypes", "--archetypes", "3:2")
    model, output = model_and_output(tmp_path, *options)
    tensor = table_of(found := gather(output, model))
    directions = load_file(output / "model.safetensors")[ft.TABLE.removesuffix("weight") + "archetypes"]
    table = matrices((model, output), tmp_path)[1]
    cosines = table @ directions.T / np.linalg.norm(table, axis=1)[:, None]
    assert len(tensor.nearest["archetypes"]) == 3
    for near, cosine in zip(tensor.nearest["archetypes"], cosines.T, strict=True):
        assert near[0].token == readable(VOCABULARY[int(cosine.argmax())])
    assert readable(tensor.nearest["archetypes"][1][0].token) in page(found)


@pytest.mark.parametrize("log", [False, True])
def test_ticks_lie_on_the_axis_and_are_few(log: bool) -> None:
    random = np.random.default_rng(1)
    for _ in range(300):
        values = 10 ** random.uniform(-9, 9, 2)
        scale = Scale.around("x", values, log=log)
        ticks = scale.ticks()
        assert 2 <= len(ticks) <= MOST_TICKS + 1
        assert all(-1e-9 <= scale.place(tick) <= 1 + 1e-9 for tick in ticks)
        assert all(0 <= scale.place(value) <= 1 for value in values)


def test_the_command_is_that_of_the_model_card_whose_table_has_the_tensors(
    reported: tuple[Path, Path], report: Report
) -> None:
    assert report.command == "loewner compress model -o out --all --bits 5"
    card = (reported[1] / "README.md").read_text()
    for tensor in report.tensors:
        row = f"| {tensor.name} | {tensor.rows} x {tensor.cols} | {tensor.method} |"
        assert row in card and f"| {tensor.bytes_before} | {tensor.bytes_after} |" in card
