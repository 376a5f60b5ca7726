# SPDX-License-Identifier: Apache-2.0
"""Retrieval tasks in the layout of BEIR: documents, queries, and judgments of which document answers which query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loewner._core import IoError
from loewner.evaluation.json_lines import json_objects

Judgments = dict[str, dict[str, int]]  # query id -> document id -> grade; a grade above 0 is relevant

_SPLIT = "test"  # the split that BEIR publishes results of


@dataclass(frozen=True)
class Collection:
    """Documents, queries and judgments.

    Attributes
    ----------
    name : str
        The name of the folder.
    documents : dict of str to str
        The text of each document by its id, the title before it.
    queries : dict of str to str
        The text of each query by its id. With judgments: of the queries that have a relevant document.
    judgments : dict of str to dict of str to int
        The grades of documents by query; empty if the folder has no qrels.
    source : Path
        The folder.
    """

    name: str
    documents: dict[str, str]
    queries: dict[str, str]
    judgments: Judgments = field(default_factory=dict)
    source: Path = field(default_factory=Path)

    def __len__(self) -> int:
        return len(self.queries)


def read_collection(folder: Path, split: str | None = None) -> Collection:
    """Read a retrieval task in the layout of BEIR.

    Parameters
    ----------
    folder : Path
        Folder with `corpus.jsonl` (fields `_id`, `text` and, if wanted, `title`), `queries.jsonl` (`_id`, `text`) and,
        if there are judgments, `qrels/SPLIT.tsv` (query id, document id, grade).
    split : str, optional
        The file of judgments. By default `test`, or the only file; a folder without files in `qrels` has no judgments.

    Returns
    -------
    Collection
        The documents, queries and judgments.

    Raises
    ------
    IoError
        If a line is malformed, an id occurs twice or is unknown, or nothing can be ranked. The message names file and
        line.
    OSError
        If a file cannot be read.
    """
    folder = Path(folder)
    documents = _texts(folder / "corpus.jsonl", _document, "document")
    queries = _texts(folder / "queries.jsonl", _query, "query")
    file = _judgments_file(folder / "qrels", split)
    judgments = {} if file is None else _judgments(file, documents, queries)
    if file is not None:
        queries = {
            query: text for query, text in queries.items() if max(judgments.get(query, {}).values(), default=0) > 0
        }
        if not queries:
            raise IoError(f"{file}: must have a grade above 0 for at least one query")
    return Collection(folder.resolve().name, documents, queries, judgments, folder)


def _document(entry: Mapping[str, Any]) -> str:
    """Title and text with a space between them, as BEIR joins them."""
    return f"{entry.get('title') or ''} {entry['text']}".strip()


def _query(entry: Mapping[str, Any]) -> str:
    return str(entry["text"])


def _texts(path: Path, text_of: Callable[[Mapping[str, Any]], str], what: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    lines: dict[str, int] = {}
    with path.open(encoding="utf-8-sig") as file:
        for number, entry in json_objects(file, path, IoError):
            for name in ("_id", "text"):
                if not isinstance(entry.get(name), str):
                    raise IoError(f"{path}: line {number}: must have a text in field '{name}', got {entry.get(name)!r}")
            identifier = entry["_id"]
            if identifier in texts:
                raise IoError(f"{path}: line {number}: id '{identifier}' is that of line {lines[identifier]} already")
            texts[identifier], lines[identifier] = text_of(entry), number
    if not texts:
        raise IoError(f"{path}: must have at least one {what}")
    return texts


def _judgments_file(folder: Path, split: str | None) -> Path | None:
    if split is not None:
        return folder / f"{split}.tsv"
    files = sorted(folder.glob("*.tsv"))
    default = folder / f"{_SPLIT}.tsv"
    if default in files or not files:
        return default if files else None
    if len(files) > 1:
        names = ", ".join(file.stem for file in files)
        raise IoError(f"{folder}: must have {_SPLIT}.tsv or a single file, or --split must name one of {names}")
    return files[0]


def _judgments(path: Path, documents: Mapping[str, str], queries: Mapping[str, str]) -> Judgments:
    judgments: Judgments = {}
    for number, (query, document, grade) in _judgment_rows(path):
        for identifier, known, file in ((query, queries, "queries.jsonl"), (document, documents, "corpus.jsonl")):
            if identifier not in known:
                raise IoError(f"{path}: line {number}: id '{identifier}' is not in {file}")
        grades = judgments.setdefault(query, {})
        if document in grades:
            raise IoError(f"{path}: line {number}: query '{query}' and document '{document}' were judged before")
        grades[document] = grade
    return judgments


def _judgment_rows(path: Path) -> Iterator[tuple[int, tuple[str, str, int]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip("\r\n").split("\t")
            if not line.strip():
                continue
            if len(fields) != 3:
                raise IoError(f"{path}: line {number}: must have 3 columns with tabs between them, got {len(fields)}")
            try:
                yield number, (fields[0], fields[1], int(fields[2]))
            except ValueError:
                if number > 1:  # the first line has the names of the columns
                    raise IoError(f"{path}: line {number}: grade must be a whole number, got '{fields[2]}'") from None
