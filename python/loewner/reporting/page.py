# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page without references to a network, fonts or libraries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files

from loewner.reporting.data import Report
from loewner.reporting.markup import Markup, readable, tag
from loewner.reporting.sections.evaluation import evaluation
from loewner.reporting.sections.reproduction import reproduction
from loewner.reporting.sections.summary import summary
from loewner.reporting.sections.tensor_details import tensor_details
from loewner.reporting.sections.tensor_table import tensor_table
from loewner.reporting.sections.verification import verification
from loewner.reporting.style import CHART, DARK, LIGHT, variables


def page(report: Report) -> str:
    """The page as HTML text. Equal reports give equal bytes."""
    title = f"{readable(report.output)} \u00b7 loewner report"
    style = Markup(_style())
    script = Markup(files("loewner.reporting").joinpath("page.js").read_text(encoding="utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", style),
    )
    body = tag(
        "body",
        tag("a", "Skip to the table of tensors", href="#tensors", class_="skip"),
        tag("main", *_sections(report)),
        tag("div", id="announce", class_="announce", role="status"),
        tag("script", script),
    )
    return "<!DOCTYPE html>\n" + tag("html", head, "\n", body, lang="en") + "\n"


def _style() -> str:
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}"
    own = files("loewner.reporting").joinpath("page.css").read_text(encoding="utf-8")
    return f":root {{ {variables(LIGHT)} }}\n{dark}\n{own}{CHART}"


def _policy(style: str, script: str) -> str:
    """Content security policy: no external resources; only this style and this script, by their hashes."""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sections(report: Report) -> Iterable[Markup]:
    yield summary(report)
    yield _section("tensors", "Encoded tensors", tensor_table(report))
    yield _section("charts", "Tensor details", tensor_details(report))
    yield _section("claims", "Verification", verification(report))
    yield _section("evaluation", "Evaluation", evaluation(report))
    yield _section("again", "Reproduce", reproduction(report))


def _section(key: str, title: str, parts: Iterable[Markup]) -> Markup:
    return tag("section", tag("h2", title, id=key), *parts, aria_labelledby=key)
