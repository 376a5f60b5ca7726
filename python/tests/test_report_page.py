# SPDX-License-Identifier: Apache-2.0
"""The page of `loewner report`: its content, and escaped text."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fault_tools as ft
import pytest
from loewner.reporting.data import Report
from loewner.reporting.figures import key_of
from loewner.reporting.gather import gather
from loewner.reporting.markup import Markup, tag
from loewner.reporting.page import page
from reported_models import points_of, table_of, write_evaluation


class _Elements(HTMLParser):
    """Collects names and attributes of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((name, dict(attributes)))


def test_charts_have_the_values_of_the_data(report: Report) -> None:
    tensor = table_of(report)
    assert tensor.study is not None
    drawn = [(s, x, y) for key, s, x, y in points_of(page(report)) if key == "embeddings.word_embeddings-bytes"]
    assert drawn == [(m, p.bytes, p.error) for m, points in tensor.study.offers.items() for p in points]


def test_errors_unlike_the_stored_ones_are_shown(reported: tuple[Path, Path], report: Report, tmp_path: Path) -> None:
    assert all(tensor.study and tensor.study.claims_hold for tensor in report.tensors)
    assert "agree with the stored errors" in page(report)
    spoiled = shutil.copytree(reported[1], tmp_path / "out")
    config = json.loads((spoiled / "config.json").read_text())
    config["quantization_config"]["tensors"][ft.TABLE]["claims"]["relative_error"] *= 0.99
    (spoiled / "config.json").write_text(json.dumps(config))
    found = gather(spoiled, reported[0])
    assert [t.name for t in found.tensors if t.study and not t.study.claims_hold] == [ft.TABLE]
    text = page(found)
    assert "agree with the stored errors" not in text and "differ from the stored errors" in text


def test_without_the_original_the_page_names_what_is_missing(reported: tuple[Path, Path]) -> None:
    found = gather(reported[1])
    assert found.sizes.weights_before is None and all(tensor.study is None for tensor in found.tensors)
    text = page(found)
    assert "--against MODEL" in text and "not recomputed" in text


def test_untrusted_text_is_escaped(reported: tuple[Path, Path], tmp_path: Path) -> None:
    model = tmp_path / "<b>model&"
    shutil.copytree(reported[0], model)
    evil = write_evaluation(tmp_path / "eval.json", "<img src=x>")
    text = page(gather(reported[1], model, evaluations=[evil]))
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


def test_the_page_has_no_external_resources(report: Report) -> None:
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


def test_similar_names_have_different_keys(report: Report) -> None:
    names = ["a.b.weight", "a-b.weight", "a_b.weight", "../a.weight", "a/b.weight"]
    keys = {key_of(replace(report.tensors[0], name=name)) for name in names}
    assert len(keys) == len(names) and not any("/" in key for key in keys)


def test_evaluations_are_shown(reported: tuple[Path, Path], tmp_path: Path) -> None:
    text = page(gather(reported[1], evaluations=[write_evaluation(tmp_path / "eval.json")]))
    for expected in ("86.71", "85.00 \u2026 88.00", "-0.12", "cosine 0.9987", "STS-B (1,500)"):
        assert expected in text
    assert "a/base" not in text  # a path of the machine
