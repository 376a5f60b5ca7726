# SPDX-License-Identifier: Apache-2.0
"""The commands `loewner report` and `loewner plot`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fault_tools as ft
import pytest
from loewner.reporting.data import Report
from loewner.reporting.image import png
from loewner.reporting.markup import tag
from loewner.reporting.page import page
from reported_models import points_of


def test_the_page_is_the_same_bytes_for_any_number_of_threads(reported: tuple[Path, Path], tmp_path: Path) -> None:
    for threads in (1, 2):
        out = tmp_path / f"{threads}.html"
        done = ft.run("report", reported[1], "--against", reported[0], "-o", out, "--threads", threads)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_json_has_the_content_of_the_report(reported: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    done = ft.run(
        "report", reported[1], "--against", reported[0], "-o", tmp_path / "r.html", "--json", tmp_path / "r.json"
    )
    assert done.returncode == 0 and "r.html" in done.stdout
    data = json.loads((tmp_path / "r.json").read_text())
    assert data["sizes"]["weights_after"] == report.sizes.weights_after
    assert data == json.loads(json.dumps(report.to_dict()))
    assert all(tensor["archetypes"] == [] for tensor in data["tensors"])  # documented for every structure


def test_plot_writes_the_drawings_of_the_page(reported: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    done = ft.run("plot", reported[1], "--against", reported[0], "-o", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "plots").iterdir())
    assert "sizes.svg" in [file.name for file in files] and len(files) == 1 + 2 * len(report.tensors) + 1
    drawn = {point for file in files for point in points_of(file.read_text())}
    assert drawn == set(points_of(page(report)))
    assert all("var(" not in file.read_text() for file in files)


def test_png_files_are_written_or_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_bad_input_is_refused_and_leaves_the_old_file(reported: tuple[Path, Path], tmp_path: Path) -> None:
    model, out = reported
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
        (2, [out, "--tensor", "("], "invalid regular expression"),
    ):
        assert said in ft.refusal(code, "report", *arguments, "-o", target)
        assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eval.json", "other", "page.html"]


def test_a_page_that_cannot_be_written_is_an_error(reported: tuple[Path, Path], tmp_path: Path) -> None:
    assert "no-folder" in ft.refusal(3, "report", reported[1], "-o", tmp_path / "no-folder" / "page.html")
