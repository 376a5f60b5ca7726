# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page that needs nothing else: no network, no fonts, no libraries."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files

from loewner.reporting.chart import Chart, draw, values_table
from loewner.reporting.data import Report, Study, Tensor
from loewner.reporting.evaluations import Range, Score
from loewner.reporting.figures import charts_of, key_of, size_bars
from loewner.reporting.markup import Markup, join, readable, tag
from loewner.reporting.row_errors import FREQUENT, TokenError
from loewner.reporting.scale import byte_text, percent
from loewner.reporting.style import CHART, DARK, LIGHT, variables
from loewner.reporting.table import Cell, number, table

OPEN_TENSORS = 1  # unfolded at first; the others are one click away


def page(report: Report) -> str:
    """The same bytes for the same report."""
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
        tag("a", "To the table of tensors", href="#tensors", class_="skip"),
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
    """Nothing from outside, and of what is inside only this style and this script."""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _sections(report: Report) -> Iterable[Markup]:
    yield _summary(report)
    yield tag("section", tag("h2", "Tensors", id="tensors"), *_tensors(report), aria_labelledby="tensors")
    yield tag("section", tag("h2", "Tensor by tensor", id="charts"), *_details(report), aria_labelledby="charts")
    yield tag("section", tag("h2", "Claims and certificates", id="claims"), *_claims(report), aria_labelledby="claims")
    yield tag("section", tag("h2", "Evaluation", id="evaluation"), *_evaluation(report), aria_labelledby="evaluation")
    yield tag("section", tag("h2", "Do it again", id="again"), *_again(report), aria_labelledby="again")


# ---- summary ----


def _summary(report: Report) -> Markup:
    sizes, count = report.sizes, len(report.tensors)
    entries = sum(tensor.rows * tensor.cols for tensor in report.tensors)
    bits = 8 * sum(tensor.bytes_after for tensor in report.tensors) / entries if entries else 0.0
    before = f"of {byte_text(sizes.weights_before)}" if sizes.weights_before else "all weight files"
    folder = f"of {byte_text(sizes.folder_before)}" if sizes.folder_before else "all files"
    facts = [
        ("Weights", byte_text(sizes.weights_after), before),
        ("Whole folder", byte_text(sizes.folder_after), folder),
        ("Encoded", f"{count} tensor{'' if count == 1 else 's'}", f"{entries / 1e6:.3g} million weights"),
        ("Bits a weight", f"{bits:.2f}", "of encoded tensors, metadata included"),
    ]
    if sizes.weights_before:
        share = percent(sizes.weights_after / sizes.weights_before)
        facts.insert(0, ("Size", share, "of the original's weights"))
    return tag(
        "header",
        tag("h1", readable(report.output)),
        tag("p", _made_from(report), class_="quiet"),
        tag(
            "dl", *(tag("div", tag("dt", k), tag("dd", v, tag("small", note))) for k, v, note in facts), class_="facts"
        ),
        tag("figure", size_bars(report), class_="sizes"),
    )


def _made_from(report: Report) -> str:
    source = f" from {readable(report.model)}" if report.model else ""
    return (
        f"Made{source} by {report.producer}, without fine-tuning. Everything that is not listed is kept byte for byte."
    )


# ---- tensors ----


def _tensors(report: Report) -> Iterable[Markup]:
    heads = ["Tensor", "Shape", "Method", "Rank", "Bits a weight", "Before", "After", "Error", "Weighted"]
    yield table("Encoded tensors", heads, [_row(t) for t in report.tensors], sorts=True, key="all-tensors")
    yield tag(
        "p",
        "Error: relative, in the Frobenius norm, on the stored numbers. Weighted: each row of a token table counts as "
        "often as its token is expected. Bytes hold data, header entries and specification.",
        class_="quiet",
    )


def _row(tensor: Tensor) -> list[Cell]:
    link = tag("a", _breakable(tensor.name), href=f"#of-{key_of(tensor)}")
    return [
        Cell(link, tensor.name),
        Cell(f"{tensor.rows:,} \u00d7 {tensor.cols:,}", tensor.rows * tensor.cols),
        Cell(tensor.method, tensor.method),
        number(tensor.rank),
        number(tensor.bits_per_weight, ".2f"),
        _bytes(tensor.bytes_before),
        _bytes(tensor.bytes_after),
        number(tensor.relative_error, ".4f"),
        number(tensor.weighted_relative_error, ".4f"),
    ]


def _breakable(name: str) -> Markup:
    """Long names may be broken behind their dots."""
    parts = readable(name).split(".")
    return join(*(part for text in parts[:-1] for part in (f"{text}.", tag("wbr"))), parts[-1])


def _bytes(count: int | None) -> Cell:
    return number(count) if count is None else Cell(byte_text(count), count)


# ---- one tensor after the other ----


def _details(report: Report) -> Iterable[Markup]:
    if not report.model:
        yield tag(
            "p",
            "Spectra, errors against bytes and errors of single rows need the original: ",
            tag("code", f"loewner report {readable(report.output)} --against MODEL"),
            ".",
        )
    first = sorted(report.tensors, key=lambda t: -t.bytes_after)[:OPEN_TENSORS]
    for tensor in report.tensors:
        yield _tensor(tensor, tensor in first)


def _tensor(tensor: Tensor, is_open: bool) -> Markup:
    brief = f"{tensor.method} \u00b7 {byte_text(tensor.bytes_after)} \u00b7 error {tensor.weighted_relative_error:.4f}"
    parts: list[Markup] = [tag("p", _described(tensor), class_="quiet")]
    figures = [_figure(chart) for chart in charts_of(tensor)]
    if tensor.study:
        figures += _worst_tokens(tensor.study)
        parts += [tag("p", note, class_="bad") for note in tensor.study.notes]
    if tensor.archetypes:
        figures.append(tag("div", _archetypes(tensor)))
    return tag(
        "details",
        tag("summary", tag("span", readable(tensor.name), class_="name"), " ", tag("span", brief, class_="quiet")),
        tag("div", *parts, tag("div", *figures, class_="figures"), class_="body"),
        class_="tensor",
        id=f"of-{key_of(tensor)}",
        open=is_open,
    )


def _described(tensor: Tensor) -> str:
    text = f"{tensor.role.replace('_', ' ')}, {tensor.rows:,} x {tensor.cols:,}, stored as {tensor.structure}"
    text += f" of rank {tensor.rank}" if tensor.rank is not None else ""
    text += f" in {tensor.subspaces} subspaces" if tensor.subspaces is not None else ""
    text += f", factor {tensor.refitted} fitted anew" if tensor.refitted else ""
    text += f", {tensor.bits_per_weight:.2f} bits a weight. Row weights: {tensor.row_weights}."
    if tensor.study:
        rows = tensor.study.rows.all
        text += f" Relative error of single rows: median {rows.median:.4f}, 90 % below {rows.high:.4f}, "
        text += f"largest {rows.largest:.4f}."
    return text


def _figure(chart: Chart) -> Markup:
    heads, rows = values_table(chart)
    values = table("Values", heads, [[Cell(text) for text in row] for row in rows])
    caption = tag("figcaption", tag("h3", chart.title.partition(": ")[2].capitalize()))
    folded = tag("details", tag("summary", "Values"), values, class_="values")
    return tag("figure", caption, draw(chart), folded)


def _worst_tokens(study: Study) -> list[Markup]:
    both = (
        (f"Worst of the {FREQUENT:,} most frequent tokens", study.rows.worst_frequent),
        ("Worst of all tokens", study.rows.worst),
    )
    tables = [_token_table(label, tokens) for label, tokens in both if tokens]
    return [tag("div", *tables, class_="compact")] if tables else []


def _token_table(label: str, tokens: Iterable[TokenError]) -> Markup:
    rows = [
        [
            Cell(join(tag("bdi", t.token), " ", tag("span", f"id {t.id}", class_="quiet"))),
            number(t.rank, ","),
            number(t.relative_error, ".4f"),
        ]
        for t in tokens
    ]
    return table(label, ["Token", "Rank", "Error"], rows)


def _archetypes(tensor: Tensor) -> Markup:
    rows = [
        [Cell(f"{i}"), Cell(join(*_separated(tag("bdi", n.token) for n in near))), number(near[0].cosine, ".3f")]
        for i, near in enumerate(tensor.archetypes)
    ]
    return table("Archetypes by their nearest tokens", ["Archetype", "Tokens", "Cosine to the first"], rows)


def _separated(parts: Iterable[Markup]) -> Iterable[object]:
    for i, part in enumerate(parts):
        if i:
            yield ", "
        yield part


# ---- claims ----


def _claims(report: Report) -> Iterable[Markup]:
    yield _agreement(report)
    yield tag("p", "All claims, and every other byte: ", tag("code", _verify_command(report)), ".")
    certified = [t for t in report.tensors if t.certificate is not None or t.lp_error_svd is not None]
    if not certified:
        yield tag("p", "No tensor carries a certificate: they come with the methods lp and svd.", class_="quiet")
        return
    heads = ["Tensor", "p", "Proved distortion", "l_p error", "l_p error of the SVD"]
    yield table("Certificates of l_p factorisations", heads, [_certificate(t) for t in certified])
    yield tag(
        "p",
        "Proved distortion: c with ||Fx||\u2082 \u2264 ||Ax||\u209a \u2264 c ||Fx||\u2082 for all x, F the factor "
        "that the subspace was taken from.",
        class_="quiet",
    )


def _agreement(report: Report) -> Markup:
    held = {tensor.name: tensor.study.claims_hold for tensor in report.tensors if tensor.study}
    if not held:
        return tag("p", "The errors on this page are the output's own claims, not measured anew.")
    broken = [readable(name) for name, holds in held.items() if not holds]
    if broken:
        return tag("p", f"Measured anew, these errors are not what is claimed: {', '.join(broken)}.", class_="bad")
    which = "all" if len(held) == len(report.tensors) else f"{len(held)} of the {len(report.tensors)}"
    text = f"The errors of {which} tensors were measured anew for this page and agree with what the output claims."
    return tag("p", text, class_="good")


def _verify_command(report: Report) -> str:
    return f"loewner verify {readable(report.output)} --against {readable(report.model or 'MODEL')}"


def _certificate(tensor: Tensor) -> list[Cell]:
    return [
        Cell(readable(tensor.name)),
        number(tensor.norm_exponent, "g"),
        number(tensor.certificate, ".4f"),
        number(tensor.lp_error, ".4f"),
        number(tensor.lp_error_svd, ".4f"),
    ]


# ---- evaluation ----


def _evaluation(report: Report) -> Iterable[Markup]:
    if not report.scores:
        yield tag(
            "p",
            "None given. ",
            tag("code", "loewner eval MODEL OUT --task T --json FILE"),
            " writes what ",
            tag("code", "--eval FILE"),
            " shows here.",
        )
        return
    heads = ["Model", "Task", "Metric \u00d7 100", "Value", "95 %", "To the first", "95 %", "Outputs to the first"]
    yield table("Scores", heads, [_score(score) for score in report.scores])


def _score(score: Score) -> list[Cell]:
    return [
        Cell(readable(score.model)),
        Cell(f"{readable(score.task)} ({score.count:,})"),
        Cell(score.metric),
        number(100 * score.score.value, ".2f"),
        _interval(score.score, "{:.2f}"),
        number(100 * score.difference.value if score.difference else None, "+.2f"),
        _interval(score.difference, "{:+.2f}"),
        Cell(f"{score.fidelity} {score.fidelity_mean:.4f}" if score.fidelity else "\u2013"),
    ]


def _interval(value: Range | None, form: str) -> Cell:
    if value is None:
        return Cell("\u2013")
    return Cell(f"{form.format(100 * value.low)} \u2026 {form.format(100 * value.high)}")


# ---- reproduction ----


def _again(report: Report) -> Iterable[Markup]:
    if report.command:
        yield tag("p", "The output, with the same bytes for any number of threads:")
        yield tag("pre", tag("code", readable(report.command)))
    else:
        yield tag("p", "The output's model card names no command.")
    if any(tensor.refitted for tensor in report.tensors):
        yield tag("p", "Then factors were fitted anew by ", tag("code", "loewner refit"), " to a text of the user's.")
    options = f" --against {readable(report.model)}" if report.model else ""
    options += " --eval FILE" if report.scores else ""
    yield tag("p", "This page:")
    yield tag("pre", tag("code", f"loewner report {readable(report.output)}{options} -o report.html"))
