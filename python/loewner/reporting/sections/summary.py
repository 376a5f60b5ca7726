# SPDX-License-Identifier: Apache-2.0
"""Head of the page: sizes before and after."""

from __future__ import annotations

from loewner._text import byte_text, percent
from loewner.reporting.data import Report
from loewner.reporting.figures import size_bars
from loewner.reporting.markup import Markup, readable, tag


def summary(report: Report) -> Markup:
    sizes, count = report.sizes, len(report.tensors)
    entries = sum(tensor.rows * tensor.cols for tensor in report.tensors)
    bits = 8 * sum(tensor.bytes_after for tensor in report.tensors) / entries if entries else 0.0
    before = f"of {byte_text(sizes.weights_before)}" if sizes.weights_before else "all weight files"
    folder = f"of {byte_text(sizes.folder_before)}" if sizes.folder_before else "all files"
    facts = [
        ("Weight files", byte_text(sizes.weights_after), before),
        ("Whole folder", byte_text(sizes.folder_after), folder),
        ("Encoded", f"{count} tensor{'' if count == 1 else 's'}", f"{entries / 1e6:.3g} million weights"),
        ("Bits per weight", f"{bits:.2f}", "encoded tensors, metadata included"),
    ]
    if sizes.weights_before:
        share = percent(sizes.weights_after / sizes.weights_before)
        facts.insert(0, ("Size", share, "of the original weight files"))
    return tag(
        "header",
        tag("h1", readable(report.output)),
        tag("p", _origin(report), class_="quiet"),
        tag(
            "dl", *(tag("div", tag("dt", k), tag("dd", v, tag("small", note))) for k, v, note in facts), class_="facts"
        ),
        tag("figure", size_bars(report), class_="sizes"),
    )


def _origin(report: Report) -> str:
    source = f" from {readable(report.model)}" if report.model else ""
    return (
        f"Made{source} by {report.producer}, without fine-tuning. "
        "Tensors that are not listed below are unchanged, byte for byte."
    )
