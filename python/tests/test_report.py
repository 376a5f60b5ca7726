# SPDX-License-Identifier: Apache-2.0
"""`loewner report` and `loewner plot` say what NumPy finds in the files, and nobody's text becomes markup."""

from __future__ import annotations

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import fault_tools as ft
import loewner
import numpy as np
import pytest
from loewner.reporting.archetypes import nearest_tokens
from loewner.reporting.data import Report, Tensor, gather
from loewner.reporting.figures import key_of
from loewner.reporting.image import png
from loewner.reporting.markup import Markup, readable, tag
from loewner.reporting.page import page
from loewner.reporting.row_errors import WORST
from loewner.reporting.scale import MOST_TICKS, Scale
from reported_models import NASTY, VOCABULARY, model_and_output, write_evaluation
from safetensors.numpy import load_file

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return model_and_output(tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def report(folders: tuple[Path, Path]) -> Report:
    return gather(folders[1], folders[0])


def table_of(report: Report) -> Tensor:
    return next(tensor for tensor in report.tensors if tensor.name == ft.TABLE)


def matrices(folders: tuple[Path, Path], folder: Path) -> tuple[Any, Any]:
    """The table before and after, the latter as `expand` writes it."""
    loewner.expand(folders[1], folder / "dense")
    before, after = (load_file(f / "model.safetensors")[ft.TABLE] for f in (folders[0], folder / "dense"))
    return before.astype(np.float64), after.astype(np.float64)


class _Elements(HTMLParser):
    """Names and attributes of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((name, dict(attributes)))


# ---- the data ----


def test_row_errors_are_those_of_numpy(folders: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    before, after = matrices(folders, tmp_path)
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


def test_bands_hold_every_token_once_from_frequent_to_rare(
    folders: tuple[Path, Path], report: Report, tmp_path: Path
) -> None:
    before, after = matrices(folders, tmp_path)
    relative = np.linalg.norm(before - after, axis=1) / np.linalg.norm(before, axis=1)
    study = table_of(report).study
    assert study is not None
    bands = study.rows.bands
    assert [band.first for band in bands] == [1, *(band.last + 1 for band in bands[:-1])]
    assert bands[-1].last == len(relative)
    # Two special tokens, then ordinary ones by id: here the order of the file.
    for band in bands:
        assert band.quantiles.median == pytest.approx(np.median(relative[band.first - 1 : band.last]), rel=1e-5)


def test_spectrum_is_that_of_the_singular_values(folders: tuple[Path, Path], report: Report) -> None:
    values = np.linalg.svd(load_file(folders[0] / "model.safetensors")[ft.TABLE].astype(np.float64), compute_uv=False)
    norm = np.linalg.norm(values)
    study = table_of(report).study
    assert study is not None and study.spectrum_exact
    for point in study.spectrum:
        assert point.left**2 == pytest.approx((np.linalg.norm(values[point.rank :]) / norm) ** 2, abs=1e-6)
        if point.direction is not None:
            assert point.direction**2 == pytest.approx((values[point.rank - 1] / norm) ** 2, abs=1e-6)


def test_sizes_are_those_of_the_files(folders: tuple[Path, Path], report: Report) -> None:
    for folder, weights, whole in (
        (folders[0], report.sizes.weights_before, report.sizes.folder_before),
        (folders[1], report.sizes.weights_after, report.sizes.folder_after),
    ):
        assert weights == (folder / "model.safetensors").stat().st_size
        assert whole == sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert sum(tensor.bytes_after for tensor in report.tensors) > 0
    for tensor in report.tensors:
        assert tensor.bytes_before is not None and tensor.bytes_before > 4 * tensor.rows * tensor.cols


def test_offers_hold_what_was_chosen(report: Report) -> None:
    """The curve of the method passes by the point that the output claims."""
    tensor = table_of(report)
    assert tensor.study is not None
    points = tensor.study.offers[tensor.method]
    bytes_, errors = [p.bytes for p in points], [p.error for p in points]
    assert bytes_ == sorted(bytes_) and errors == sorted(errors, reverse=True)
    expected = np.exp(np.interp(np.log(tensor.study.array_bytes), np.log(bytes_), np.log(errors)))
    assert tensor.weighted_relative_error == pytest.approx(expected, rel=0.25)


def test_a_claim_that_does_not_hold_is_told(folders: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    assert all(tensor.study and tensor.study.claims_hold for tensor in report.tensors)
    assert "agree with what the output claims" in page(report)
    spoiled = shutil.copytree(folders[1], tmp_path / "out")
    config = json.loads((spoiled / "config.json").read_text())
    config["quantization_config"]["tensors"][ft.TABLE]["claims"]["relative_error"] *= 0.99
    (spoiled / "config.json").write_text(json.dumps(config))
    found = gather(spoiled, folders[0])
    assert [t.name for t in found.tensors if t.study and not t.study.claims_hold] == [ft.TABLE]
    text = page(found)
    assert "agree with what the output claims" not in text and "not what is claimed" in text


def test_without_the_original_the_page_says_what_is_missing(folders: tuple[Path, Path]) -> None:
    found = gather(folders[1])
    assert found.sizes.weights_before is None and all(tensor.study is None for tensor in found.tensors)
    text = page(found)
    assert "--against MODEL" in text and "not measured anew" in text


def test_only_tensors_that_the_pattern_finds_are_held_against_the_original(folders: tuple[Path, Path]) -> None:
    found = gather(folders[1], folders[0], pattern="query")
    assert [t.name for t in found.tensors if t.study] == ["encoder.layer.0.attention.self.query.weight"]


def test_archetypes_are_named_by_the_rows_that_point_nearest() -> None:
    random = np.random.default_rng(2)
    rows = random.standard_normal((50, 6)).astype(np.float32)
    rows[7] = 0  # points nowhere
    vertices = np.stack([3 * rows[11], -2 * rows[30], random.standard_normal(6)])
    names = [f"t{i}" for i in range(50)]
    found = nearest_tokens(vertices, [rows[:20], rows[20:21], rows[21:]], names, count=3)
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
    cosines = vertices / np.linalg.norm(vertices, axis=1, keepdims=True) @ unit.T
    for near, expected in zip(found, cosines, strict=True):
        assert [n.token for n in near] == [f"t{i}" for i in np.argsort(-expected)[:3]]
        np.testing.assert_allclose([n.cosine for n in near], np.sort(expected)[::-1][:3], atol=1e-6)
    assert found[0][0].token == "t11" and found[1][0].token != "t30"


def test_archetypes_of_an_output_are_on_its_page(tmp_path: Path) -> None:
    options = ("--bits", "6", "--method", "archetypes", "--archetypes", "3:2")
    model, output = model_and_output(tmp_path, *options)
    tensor = table_of(found := gather(output, model))
    vertices = load_file(output / "model.safetensors")[ft.TABLE.removesuffix("weight") + "archetypes"]
    table = matrices((model, output), tmp_path)[1]
    cosines = table @ vertices.T / np.linalg.norm(table, axis=1)[:, None]
    assert len(tensor.archetypes) == 3
    for near, cosine in zip(tensor.archetypes, cosines.T, strict=True):
        assert near[0].token == readable(VOCABULARY[int(cosine.argmax())])
    assert readable(tensor.archetypes[1][0].token) in page(found)


# ---- the page ----


def points_of(text: str) -> Iterator[tuple[str, str, float, float]]:
    """(chart, series, x, y) of all points in drawings."""
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        root = ElementTree.fromstring(svg)
        key = str(root.get("aria-labelledby")).partition("-title")[0]
        for group in root.iter(f"{SVG}g"):
            for point in group.findall(f"{SVG}path[@data-x]"):
                yield key, str(group.get("data-series")), float(point.get("data-x", "")), float(point.get("data-y", ""))


def test_charts_have_the_values_of_the_data(report: Report) -> None:
    tensor = table_of(report)
    assert tensor.study is not None
    drawn = [(s, x, y) for key, s, x, y in points_of(page(report)) if key == "embeddings.word_embeddings-bytes"]
    assert drawn == [(m, p.bytes, p.error) for m, points in tensor.study.offers.items() for p in points]


def test_text_of_strangers_is_text(folders: tuple[Path, Path], tmp_path: Path) -> None:
    model = tmp_path / "<b>model&"
    shutil.copytree(folders[0], model)
    evil = write_evaluation(tmp_path / "eval.json", "<img src=x>")
    text = page(gather(folders[1], model, evaluations=[evil]))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "&lt;img src=x&gt;" in text
    elements = _Elements(text).found
    assert sum(name == "script" for name, _ in elements) == 1
    assert not [name for name, _ in elements if name in ("img", "b")]
    assert not [key for _, attributes in elements for key in attributes if key.startswith("on")]
    assert "\u202e" not in text and "\x07" not in text


@pytest.mark.parametrize("text", ["<&>\"'", "\x00\ud800"])
def test_markup_escapes_text_and_attributes(text: str) -> None:
    root = ElementTree.fromstring(tag("a", text, title=text))
    expected = "".join("\ufffd" if c in "\x00\ud800" else c for c in text)
    assert root.text == expected and root.get("title") == expected
    assert tag("a", x=0, y=None, z=False, checked=True) == '<a x="0" checked></a>'
    assert ElementTree.fromstring(tag("a", Markup("<b/>")))[0].tag == "b"


def test_nothing_comes_from_outside(report: Report) -> None:
    text = page(report)
    assert set(re.findall(r"https?://[^\s\"'<]*", text)) == {"http://www.w3.org/2000/svg"}
    elements = _Elements(text).found
    for _, attributes in elements:
        assert "src" not in attributes
        assert str(attributes.get("href", "#")).startswith(("#", "data:,"))
    policy = next(a["content"] for _, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'") and "unsafe" not in policy


def test_ids_are_unique_and_links_lead_somewhere(report: Report) -> None:
    elements = _Elements(page(report)).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        if str(attributes.get("href", "")).startswith("#"):
            assert str(attributes["href"])[1:] in ids


def test_names_that_look_alike_keep_charts_of_their_own(report: Report) -> None:
    names = ["a.b.weight", "a-b.weight", "a_b.weight", "../a.weight", "a/b.weight"]
    keys = {key_of(replace(report.tensors[0], name=name)) for name in names}
    assert len(keys) == len(names) and not any("/" in key for key in keys)


def test_evaluations_are_shown(folders: tuple[Path, Path], tmp_path: Path) -> None:
    text = page(gather(folders[1], evaluations=[write_evaluation(tmp_path / "eval.json")]))
    for expected in ("86.71", "85.00 \u2026 88.00", "-0.12", "cosine 0.9987", "STS-B (1,500)"):
        assert expected in text
    assert "a/base" not in text  # folders of a machine


def test_the_command_is_that_of_the_card_which_has_the_summary(folders: tuple[Path, Path], report: Report) -> None:
    assert report.command == "loewner compress model -o out --all --bits 5"
    card = (folders[1] / "README.md").read_text()
    for tensor in report.tensors:
        row = f"| {tensor.name} | {tensor.rows} x {tensor.cols} | {tensor.method} |"
        assert row in card and f"| {tensor.bytes_before} | {tensor.bytes_after} |" in card


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


# ---- the commands ----


def test_the_page_is_the_same_bytes_for_any_number_of_threads(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for threads in (1, 2):
        out = tmp_path / f"{threads}.html"
        done = ft.run("report", folders[1], "--against", folders[0], "-o", out, "--threads", threads)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_the_json_has_the_data(folders: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    done = ft.run(
        "report", folders[1], "--against", folders[0], "-o", tmp_path / "r.html", "--json", tmp_path / "r.json"
    )
    assert done.returncode == 0 and "r.html" in done.stdout
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["sizes"]["weights_after"] == report.sizes.weights_after
    assert len(data["tensors"]) == len(report.tensors)


def test_plots_are_the_drawings_of_the_page(folders: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    done = ft.run("plot", folders[1], "--against", folders[0], "-o", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "plots").iterdir())
    assert "sizes.svg" in [file.name for file in files] and len(files) == 1 + 2 * len(report.tensors) + 1
    drawn = {point for file in files for point in points_of(file.read_text())}
    assert drawn == set(points_of(page(report)))
    assert all("var(" not in file.read_text() for file in files)


def test_png_files_are_drawn_or_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = tag(
        "svg",
        tag("title", "a: b"),
        tag("rect", width=4, height=4),
        xmlns="http://www.w3.org/2000/svg",
        viewBox="0 0 4 4",
    )
    assert png(drawing).startswith(b"\x89PNG\r\n")
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(ImportError, match=r"loewner\[plot\]"):
        png(drawing)


def _spoiled_evaluation(folder: Path) -> Path:
    file = folder / "eval.json"
    file.write_text('[{"model": "x"}]')
    return file


def test_bad_input_is_refused_and_leaves_the_old_file(folders: tuple[Path, Path], tmp_path: Path) -> None:
    model, out = folders
    target = tmp_path / "page.html"
    target.write_text("old")
    other = ft.write_model(tmp_path / "other", {ft.TABLE: ft.table(7), "pooler.dense.weight": ft.table(32)})
    evaluation = _spoiled_evaluation(tmp_path)
    for code, arguments, said in (
        (3, [tmp_path / "nothing"], "nothing"),
        (3, [model], "quantization_config"),
        (3, [out, "--against", other], "tensor"),
        (3, [out, "--eval", evaluation], "loewner eval --json"),
        (3, [out, "--eval", tmp_path / "none.json"], "none.json"),
        (2, [out, "--tensor", "("], "no regular expression"),
    ):
        assert said in ft.refusal(code, "report", *arguments, "-o", target)
        assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eval.json", "other", "page.html"]


def test_a_page_that_cannot_be_written_is_told(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert "no-folder" in ft.refusal(3, "report", folders[1], "-o", tmp_path / "no-folder" / "page.html")
