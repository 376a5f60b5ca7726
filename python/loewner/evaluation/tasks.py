# SPDX-License-Identifier: Apache-2.0
"""Labeled sentences: tasks of GLUE in their common file layouts, and files of your own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_YES_NO = ("entailment", "not_entailment")


@dataclass(frozen=True)
class Layout:
    """The columns of a task. A column may have several names, because copies of GLUE differ from the original files."""

    sentences: tuple[tuple[str, ...], ...]
    label: tuple[str, ...] = ("label",)
    label_names: tuple[str, ...] = ()  # names of the classes 0, 1, ...; empty for scores
    similar: int | None = None  # the class of pairs with the same meaning, which a cosine can predict
    files: tuple[str, ...] = ("{split}.tsv",)
    headless: tuple[str, ...] = ()  # column names of a file without a header


_PAIR = (("sentence1",), ("sentence2",))

TASKS: dict[str, Layout] = {
    "STS-B": Layout(_PAIR, ("label", "score")),
    "MRPC": Layout(
        (("sentence1", "#1 String"), ("sentence2", "#2 String")),
        ("label", "Quality"),
        ("not_equivalent", "equivalent"),
        similar=1,
    ),
    "SST-2": Layout((("sentence",),), label_names=("negative", "positive")),
    "CoLA": Layout(
        (("sentence",),),
        label_names=("unacceptable", "acceptable"),
        headless=("source", "label", "mark", "sentence"),
    ),
    "RTE": Layout(_PAIR, label_names=_YES_NO, similar=0),
    "WNLI": Layout(_PAIR, label_names=("not_entailment", "entailment"), similar=1),
    "QNLI": Layout((("question", "sentence1"), ("sentence", "sentence2")), label_names=_YES_NO, similar=0),
    "QQP": Layout(
        (("question1", "sentence1"), ("question2", "sentence2")),
        ("is_duplicate", "label"),
        ("not_duplicate", "duplicate"),
        similar=1,
    ),
    "MNLI": Layout(
        _PAIR,
        ("gold_label", "label"),
        ("entailment", "neutral", "contradiction"),
        files=("{split}_matched.tsv", "{split}.tsv"),
    ),
}


@dataclass(frozen=True)
class Task:
    """Sentences or pairs with their labels.

    Attributes
    ----------
    name : str
        The name of the task.
    sentences : list of list of str
        One column of sentences, or two columns of pairs.
    labels : ndarray
        Class numbers (int64) or scores (float64).
    label_names : tuple of str
        The names of the classes; empty for scores and for unnamed classes.
    similar : int or None
        The class of pairs with the same meaning, if there is one.
    source : Path
        The file.
    """

    name: str
    sentences: list[list[str]]
    labels: np.ndarray
    label_names: tuple[str, ...] = ()
    similar: int | None = None
    source: Path = field(default_factory=Path)

    @property
    def is_regression(self) -> bool:
        return self.labels.dtype.kind == "f"

    @property
    def is_pair(self) -> bool:
        return len(self.sentences) == 2

    def __len__(self) -> int:
        return len(self.labels)


def read_task(name: str, data: Path | None = None, split: str = "dev") -> Task:
    """Read a task of GLUE, or a file of labeled sentences.

    Parameters
    ----------
    name : str
        A task of GLUE (a key of TASKS; case and hyphens are ignored), or a .tsv, .csv or .jsonl file with the fields
        `sentence` (or `sentence1` and `sentence2`) and `label`.
    data : Path, optional
        Folder with one folder for each task of GLUE. Nothing is downloaded.
    split : str, default "dev"
        The file of a task of GLUE to read.

    Returns
    -------
    Task
        The sentences and labels.

    Raises
    ------
    ValueError
        If the task is unknown, or a line of the file is malformed.
    OSError
        If the file cannot be read.

    Notes
    -----
    Files of GLUE may have the original columns or `sentence` columns and `label`. The labels of other files are classes
    if they are words or at most 20 different whole numbers, and scores otherwise.
    """
    known = {task.lower().replace("-", ""): task for task in TASKS}.get(name.lower().replace("-", ""))
    if known is not None:
        if data is None:
            raise ValueError(f"task {known}: the folder of the tasks must be given (--data)")
        return _glue_task(known, data, split)
    path = Path(name)
    if path.suffix not in (".tsv", ".csv", ".jsonl"):
        raise ValueError(f"task must be one of {', '.join(TASKS)} or a .tsv, .csv or .jsonl file, got '{name}'")
    return _task_of_file(path)


def _glue_task(name: str, data: Path, split: str) -> Task:
    layout = TASKS[name]
    candidates = [data / name / pattern.format(split=split) for pattern in layout.files]
    path = next((path for path in candidates if path.exists()), candidates[0])
    columns = _columns_of(_tsv_rows(path), path, layout.headless)
    sentences = [_column(columns, names, path) for names in layout.sentences]
    labels = _column(columns, layout.label, path)
    values = _scores(labels, path) if not layout.label_names else _classes(labels, layout.label_names, path)
    return Task(name, sentences, values, layout.label_names, layout.similar, path)


def _task_of_file(path: Path) -> Task:
    columns = _columns_of(_rows_of_file(path), path, ())
    pair = "sentence1" in columns
    names = ("sentence1", "sentence2") if pair else ("sentence",)
    sentences = [_column(columns, (name,), path) for name in names]
    values, label_names = _labels_of_file(_column(columns, ("label",), path), path)
    binary = not label_names and values.dtype.kind == "i" and set(values.tolist()) <= {0, 1}
    return Task(path.stem, sentences, values, label_names, 1 if pair and binary else None, path)


def _tsv_rows(path: Path) -> list[list[str]]:
    """Files of GLUE do not quote fields; sentences contain bare quotes."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _rows_of_file(path: Path) -> list[list[str]]:
    if path.suffix == ".tsv":
        return _tsv_rows(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.reader(file))
        return list(_jsonl_rows(file, path))


def _jsonl_rows(lines: Iterable[str], path: Path) -> Iterable[list[str]]:
    header: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: line {number}: must be a JSON object: {error}") from None
        if not isinstance(entry, Mapping):
            raise ValueError(f"{path}: line {number}: must be a JSON object, got {type(entry).__name__}")
        if not header:
            header = list(entry)
            yield header
        yield [str(entry.get(name, "")) for name in header]


def _columns_of(rows: list[list[str]], path: Path, headless: tuple[str, ...]) -> dict[str, list[str]]:
    if headless and rows and len(rows[0]) == len(headless):
        header, body, first = list(headless), rows, 1
    else:
        header, body, first = (rows[0] if rows else []), rows[1:], 2
    for number, row in enumerate(body, first):
        if len(row) < len(header):
            raise ValueError(f"{path}: line {number}: must have {len(header)} columns, got {len(row)}")
    if not body:
        raise ValueError(f"{path}: must have a line of column names and at least one line of data")
    return {name: [row[i] for row in body] for i, name in enumerate(header)}


def _column(columns: dict[str, list[str]], names: Sequence[str], path: Path) -> list[str]:
    for name in names:
        if name in columns:
            return columns[name]
    raise ValueError(f"{path}: must have a column '{names[0]}', got columns {', '.join(map(repr, columns))}")


def _converted(labels: list[str], convert: Callable[[str], float], what: str, path: Path) -> list[float]:
    values = []
    for number, label in enumerate(labels, 2):
        try:
            values.append(convert(label))
        except (KeyError, ValueError):
            raise ValueError(f"{path}: line {number}: label must be {what}, got '{label}'") from None
    return values


def _scores(labels: list[str], path: Path) -> np.ndarray:
    values = np.array(_converted(labels, float, "a number", path))
    if not np.isfinite(values).all():
        raise ValueError(f"{path}: labels must be finite")
    return values


def _classes(labels: list[str], names: Sequence[str], path: Path) -> np.ndarray:
    numbers = {name: i for i, name in enumerate(names)} | {str(i): i for i in range(len(names))}
    what = f"one of {', '.join(names)} or 0 ... {len(names) - 1}"
    return np.array(_converted(labels, numbers.__getitem__, what, path), np.int64)


def _labels_of_file(labels: list[str], path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        values = np.array([float(label) for label in labels])
    except ValueError:
        names = tuple(sorted(set(labels)))
        return _classes(labels, names, path), names
    distinct = set(values.tolist())
    if len(distinct) <= 20 and all(value.is_integer() and value >= 0 for value in distinct):
        return values.astype(np.int64), ()
    return _scores(labels, path), ()
