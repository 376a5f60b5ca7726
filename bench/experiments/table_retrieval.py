# SPDX-License-Identifier: Apache-2.0
"""Search with all-MiniLM-L6-v2 and what compression changes: docstrings of scikit-learn and SciPy as known items.

A query is the summary of a function or class, its document the prose that follows (without parameters and examples);
names are in neither. The document of a query is the relevant one. Texts are cut to 64 tokens. The sources of both
packages are read, not imported; other versions have other docstrings. Half a minute per row on two cores.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from compressed import compressed
from loewner.evaluation import Collection, Evaluation, Interval, RankingComparison
from loewner.evaluation.encoders import vectors_of
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish

PACKAGES = {"sklearn": "scikit-learn", "scipy": "SciPy"}
NOT_PUBLIC = {"tests", "externals", "_lib"}
SECTION = re.compile(r"\n([A-Z][A-Za-z ]+)\n-{3,}\n")  # of numpydoc
MAX_LENGTH = 64
WORDS_OF_SUMMARY, WORDS_OF_PROSE = range(4, 41), 25

# name, options of `loewner compress`
SETTINGS = [
    *((f"table, {bits} bits", ["--bits", bits, "--text", "none"]) for bits in ("3", "2", "1.5", "1")),
    ("table, int8 per row", ["--method", "int8", "--bits", "9"]),
    ("table, int4, groups of 64", ["--method", "int4", "--bits", "5"]),
    *((f"all, {budget} MB", ["--all", "--budget", f"{budget}MB", "--text", "package"]) for budget in ("9", "7")),
]
METRICS = ("ndcg@10", "recall@10", "recall@100", "mrr@100", "overlap@10")


def docstrings(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for file in sorted(root.rglob("*.py")):
        if NOT_PUBLIC & set(file.relative_to(root).parts):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield ast.get_docstring(node) or ""


def summary_and_prose(docstring: str) -> tuple[str, str]:
    """The first paragraph, and what follows up to the first section, with the notes."""
    summary, _, rest = docstring.partition("\n\n")
    before, *sections = SECTION.split(f"\n{rest}")
    notes = [text for title, text in zip(sections[::2], sections[1::2], strict=True) if title == "Notes"]
    return " ".join(summary.split()), " ".join(" ".join([before, *notes]).split())


def known_items() -> Collection:
    found: dict[str, str] = {}
    for package in PACKAGES:
        for summary, prose in map(summary_and_prose, docstrings(package)):
            if len(summary.split()) in WORDS_OF_SUMMARY and len(prose.split()) >= WORDS_OF_PROSE:
                found.setdefault(summary, prose)
    unique = {prose: summary for summary, prose in found.items()}  # inherited docstrings occur several times
    ids = [f"{number}" for number in range(len(unique))]
    documents, queries = dict(zip(ids, unique, strict=True)), dict(zip(ids, unique.values(), strict=True))
    return Collection("docstrings", documents, queries, {id: {id: 1} for id in ids})


def cell(score: Interval | None, difference: Interval | None) -> str:
    """The score x 100, and its difference to the original's with the interval."""
    if score is None:
        return ""
    text = f"{100 * score.value:.1f}"
    if difference is None:
        return text
    return f"{text} ({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"


def row(name: str, size: int, evaluation: Evaluation) -> list[str]:
    differences = evaluation.differences or {}
    cells = [cell(evaluation.scores.get(metric), differences.get(metric)) for metric in METRICS]
    return [name, f"{size / 1e6:.1f}", *cells]


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    quiet_transformers()
    collection = known_items()
    comparison = RankingComparison(collection)
    queries, documents = list(collection.queries.values()), list(collection.documents.values())

    def evaluation(folder: Path) -> Evaluation:
        vectors = vectors_of(folder, queries, documents, batch_size=32, max_length=MAX_LENGTH)
        return comparison.add(folder, vectors)

    original = minilm_folder()
    rows = [row("original", (original / "model.safetensors").stat().st_size, evaluation(original))]
    for name, options in SETTINGS:
        print(*rows[-1], file=sys.stderr, flush=True)
        with compressed(original, *options) as result:
            rows.append(row(name, result.totals["weights_bytes_after"], evaluation(result.folder)))
    versions = ", ".join(f"{name} {importlib.metadata.version(name.lower())}" for name in PACKAGES.values())
    table = markdown_table(["model", "MB", *METRICS], rows)
    publish("retrieval", f"{table}\n\n{len(collection)} queries and documents of {versions}.", arguments.update_docs)


if __name__ == "__main__":
    main()
