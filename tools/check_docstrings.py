# SPDX-License-Identifier: Apache-2.0
"""Checks the docstrings of the public headers: comments that begin with ///.

- A label (Shapes, Units, Method, Cost, Accuracy, Random, Errors) begins its line, padded to the column of the text.
- The labels of a docstring come once each, in this order; the lines that continue one are indented to its text.
- Every function at namespace scope has a docstring. Overloads that follow without a blank line share one.
- Comment lines have at most 100 columns.

Prints how many functions have a complete docstring: a sentence and the labels Shapes, Method, Cost, Accuracy, Errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

LABELS = ("Shapes", "Units", "Method", "Cost", "Accuracy", "Random", "Errors")
COMPLETE = {"Shapes", "Method", "Cost", "Accuracy", "Errors"}
TEXT_COLUMN = 10  # of the text of a label, after "/// "
MAX_COLUMNS = 100
_ANY = "|".join(LABELS)
LABEL = re.compile(rf"^({_ANY}) {{2,}}\S")
TORN = re.compile(rf"\S.*\s({_ANY}) {{2,}}\S")


@dataclass
class Docstring:
    """A run of /// lines, with the text after "/// "."""

    line: int
    text: list[str]


@dataclass
class Function:
    line: int
    name: str
    docstring: Docstring | None

    def labels(self) -> set[str]:
        lines = self.docstring.text if self.docstring else []
        return {match.group(1) for text in lines if (match := LABEL.match(text))}


@dataclass
class Header:
    path: str
    docstrings: list[Docstring] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


def label_offenses(path: str, docstring: Docstring) -> list[Offense]:
    offenses = []
    last, in_label = -1, False
    for number, text in enumerate(docstring.text, docstring.line):
        match = LABEL.match(text)
        if TORN.search(text):
            offenses.append(Offense(path, number, "a label stands inside a line; labels begin a line of their own"))
        if match:
            index = LABELS.index(match.group(1))
            if match.end() - 1 != TEXT_COLUMN:
                offenses.append(
                    Offense(path, number, f"the text of {match.group(1)} must begin {TEXT_COLUMN} columns in")
                )
            if index <= last:
                offenses.append(Offense(path, number, f"{match.group(1)} is repeated or follows {LABELS[last]}"))
            last, in_label = index, True
        elif not text.strip():
            in_label = False
        elif in_label and not text.startswith(" " * TEXT_COLUMN):
            offenses.append(
                Offense(path, number, f"a line that continues a label must be indented {TEXT_COLUMN} columns")
            )
    return offenses


def without_strings_and_comments(line: str) -> str:
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"//.*", "", line)


FUNCTION = re.compile(
    r"^(?!using\b|struct\b|class\b|enum\b|namespace\b|#|static_assert\b|friend\b)[\w:<>,&*\s\[\]~\"()]*?\b(\w+)\s*\("
)


def read_header(path: str, source: str) -> Header:
    """Docstrings, and the functions at namespace scope, of one header."""
    header = Header(path)
    docstring: Docstring | None = None  # the one that the next declaration takes
    depth = 0  # of braces other than those of namespaces
    braces: list[bool] = []  # for each open brace whether it opens a namespace
    statement, statement_line = "", 0
    previous_was_docstring = False
    for number, line in enumerate(source.splitlines(), 1):
        comment = re.match(r"^\s*///(?!<) ?(.*)$", line)
        if comment:
            if previous_was_docstring and header.docstrings:
                header.docstrings[-1].text.append(comment.group(1))
            else:
                header.docstrings.append(Docstring(number, [comment.group(1)]))
            if depth == 0:
                docstring = header.docstrings[-1]
            previous_was_docstring = True
            continue
        previous_was_docstring = False
        code = without_strings_and_comments(line)
        if not code.strip():
            if not line.strip() and not statement.strip():
                docstring = None
            continue
        if code.lstrip().startswith("#"):
            continue
        for character in code + "\n":
            if depth == 0 and character in "{;":
                match = FUNCTION.match(
                    re.sub(r"^template\s*<.*?>\s*(requires\s+\S+\s+)?|\[\[\w+\]\]\s*", "", statement.strip())
                )
                opens_namespace = character == "{" and re.match(r"^(inline\s+)?namespace\b", statement.strip())
                if match and not opens_namespace and "operator" not in statement and "=" not in statement.split("(")[0]:
                    header.functions.append(Function(statement_line, match.group(1), docstring))
                statement = ""
                if character == "{":
                    braces.append(bool(opens_namespace))
                    depth += 0 if opens_namespace else 1
                    if opens_namespace:
                        docstring = None
            elif character == "{":
                braces.append(False)
                depth += 1
            elif character == "}":
                depth -= 0 if braces.pop() else 1
                statement = ""
            elif depth == 0:
                if not statement.strip() and not character.isspace():
                    statement_line = number
                statement += character
    return header


def check_header(path: str, source: str) -> list[Offense]:
    header = read_header(path, source)
    offenses = [offense for docstring in header.docstrings for offense in label_offenses(path, docstring)]
    offenses += [
        Offense(path, function.line, f"{function.name} has no docstring")
        for function in header.functions
        if function.docstring is None
    ]
    for number, line in enumerate(source.splitlines(), 1):
        if "//" in line and len(line) > MAX_COLUMNS:
            offenses.append(Offense(path, number, f"a comment line has {len(line)} columns, at most {MAX_COLUMNS}"))
    return offenses


def public_headers(root: Path) -> dict[str, str]:
    """Path from the root -> text."""
    files = sorted((root / "include").rglob("*.hpp"))
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in files}


def main() -> None:
    headers = public_headers(ROOT)
    functions = [function for path, source in headers.items() for function in read_header(path, source).functions]
    documented = sum(function.docstring is not None for function in functions)
    labeled = sum(bool(function.labels()) for function in functions)
    complete = sum(function.labels() >= COMPLETE for function in functions)
    offenses = [offense for path, source in headers.items() for offense in check_header(path, source)]
    exit_with(
        offenses,
        f"docstrings ({len(functions)} public functions: {documented} documented, {labeled} with labels, "
        f"{complete} complete)",
    )


if __name__ == "__main__":
    main()
