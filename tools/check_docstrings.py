# SPDX-License-Identifier: Apache-2.0
"""Checks the docstrings of the public headers: comments that begin with ///.

- A label (Shapes, Units, Method, Cost, Accuracy, Random, Errors) begins its line, padded to the column of the text.
- The labels of a docstring come once each, in this order; the lines that continue one are indented to its text.
- Every function at namespace scope has a docstring. Overloads that follow without a blank line share one.
- The docstring of a function is complete. Its signature says which labels it needs:
  - matrices or arrays of numbers (NUMBERS): Shapes, Method, Cost, Accuracy, Errors;
  - files or their text (FILES): Method, Cost, Errors;
  - anything else, such as names of enumerators and sizes: Errors.
- The docstrings of a class that computes (a public function takes or returns matrices or arrays of numbers) have these
  labels together: that of the class and those of its functions. Structs, views, sources of rows, operators and
  encodings hold data, or serve an interface that states the labels (STORES).
- Comment lines have at most 100 columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with

LABELS = ("Shapes", "Units", "Method", "Cost", "Accuracy", "Random", "Errors")
ALL_LABELS = ("Shapes", "Method", "Cost", "Accuracy", "Errors")
NUMBERS = re.compile(
    r"Matrix(View)?<|RowSource|RowMatrix|LinearOperator|EncodedMatrix|StoredArray|C[sS][rRcC](View|Matrix)|EncodeRequest"
    r"|RowWeights\b|LabelPlan|(span|vector)<(const )?(float|double|Index|RatePoint|std::u?int\d+_t)>"
)
STORES = re.compile(
    r"^struct|View$|class ((Row)?Matrix|RowSource|LinearOperator)$|public (RowSource|EncodedMatrix|LinearOperator)$"
)
FILES = re.compile(r"filesystem::path|\bCheckpoint\b|CompressOptions|std::string& file\b")
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
    signature: str
    docstring: Docstring | None

    def labels(self) -> set[str]:
        return labels_of(self.docstring.text if self.docstring else [])

    def missing(self) -> list[str]:
        """Labels that a complete docstring of this function has and this one lacks."""
        return [label for label in needed_labels(self.signature) if label not in self.labels()]


def labels_of(lines: list[str]) -> set[str]:
    return {match.group(1) for text in lines if (match := LABEL.match(text))}


def needed_labels(signature: str) -> tuple[str, ...]:
    if NUMBERS.search(signature):
        return ALL_LABELS
    return ("Method", "Cost", "Errors") if FILES.search(signature) else ("Errors",)


@dataclass
class Class:
    line: int
    head: str  # such as "class X final : public RowSource"
    labels: set[str]
    functions: list[str] = field(default_factory=list)  # public ones, that override none

    def missing(self) -> list[str]:
        computes = not STORES.search(self.head) and any(NUMBERS.search(function) for function in self.functions)
        return [label for label in ALL_LABELS if label not in self.labels] if computes else []


@dataclass
class Header:
    path: str
    docstrings: list[Docstring] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    classes: list[Class] = field(default_factory=list)


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
    return without_comments(re.sub(r'"(\\.|[^"\\])*"', '""', line))


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
                    header.functions.append(Function(statement_line, match.group(1), statement, docstring))
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
    header.classes = read_classes(source)
    return header


CLASS = re.compile(r"^((?:///.*\n)*)(?:template.*\n)?((?:class|struct) [^;{]*)\{\n", re.MULTILINE)


def read_classes(source: str) -> list[Class]:
    """Classes at namespace scope, laid out by clang-format: functions stand two columns in, access labels one."""
    classes = []
    for start in CLASS.finditer(source):
        end = source.find("\n};", start.end())
        comments = start.group(1) + source[start.end() : end]
        labels = labels_of([line.strip()[4:] for line in comments.splitlines() if line.strip().startswith("/// ")])
        found = Class(source.count("\n", 0, start.start(2)) + 1, start.group(2).strip(), labels)
        public = start.group(2).startswith("struct")
        for line in re.sub(r"\n {3,}", " ", without_comments(source[start.end() : end])).splitlines():
            if re.match(r"^ \w+:", line):
                public = "public" in line
            elif public and re.match(r"^  \w.*\(", line) and not re.search(r"\boverride\b|= (default|delete);", line):
                found.functions.append(re.split(r"\) (const )?\{", line)[0])
        classes.append(found)
    return classes


def without_comments(text: str) -> str:
    return re.sub(r"//.*", "", text)


def check_header(path: str, source: str) -> list[Offense]:
    header = read_header(path, source)
    offenses = [offense for docstring in header.docstrings for offense in label_offenses(path, docstring)]
    offenses += [
        Offense(path, function.line, f"{function.name} has no docstring")
        for function in header.functions
        if function.docstring is None
    ]
    offenses += [
        Offense(path, function.line, f"the docstring of {function.name} lacks {', '.join(function.missing())}")
        for function in header.functions
        if function.docstring is not None and function.missing()
    ]
    offenses += [
        Offense(path, found.line, f"the docstrings of {found.head} lack {', '.join(found.missing())}")
        for found in header.classes
        if found.missing()
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
    complete = sum(not function.missing() for function in functions)
    offenses = [offense for path, source in headers.items() for offense in check_header(path, source)]
    exit_with(
        offenses,
        f"docstrings ({len(functions)} public functions: {complete} complete)",
    )


if __name__ == "__main__":
    main()
