# SPDX-License-Identifier: Apache-2.0
"""The checks in tools/ find what they look for: each one meets a clean sample and a bad one."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from build_backend import missing_headers
from check_alone import check_alone
from check_docstrings import check_header, needed_labels, read_header
from check_documents import check_documents, tree_of
from check_rooms import check_rooms
from check_scale_cases import check as check_scale_cases
from check_spelling import british, check_spelling, check_text
from check_standard_headers import check as check_standard_headers
from check_wheel import faults_of

ROOMS = "set(LOEWNER_ROOMS base linalg model)\n"
TREE = """# Architecture

```text
include/loewner/     public headers
src/                 definitions
  base/              matrices
  linalg/            Gram matrices
  model/             checkpoints
docs/                pages
```
"""


def write(root: Path, files: dict[str, str]) -> Path:
    """A repository with these files, none of them committed."""
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def messages(offenses: Sequence[object]) -> str:
    return "\n".join(str(offense) for offense in offenses)


# ---- rooms ----


def test_a_room_may_include_rooms_before_it(tmp_path: Path) -> None:
    files = {
        "CMakeLists.txt": ROOMS,
        "include/loewner/linalg/gram.hpp": '#include "loewner/base/matrix.hpp"\n',
        "src/linalg/gram.cpp": '#include "linalg/blas.hpp"\n#include <vector>\n',
    }
    assert check_rooms(write(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("file", "include", "message"),
    [
        ("src/base/x.cpp", "linalg/blas.hpp", "room base must not use room linalg"),
        ("include/loewner/base/x.hpp", "loewner/model/json.hpp", "room base must not use room model"),
        ("include/loewner/linalg/x.hpp", "linalg/blas.hpp", "a public header includes the private header"),
        ("src/linalg/x.cpp", "blas.hpp", 'expected "loewner/ROOM/x.hpp"'),
        ("src/linalg/x.cpp", "../base/x.hpp", 'expected "loewner/ROOM/x.hpp"'),
        ("src/attic/x.cpp", "loewner/base/x.hpp", "expected a file of a room"),
    ],
)
def test_a_wrong_include_is_found(tmp_path: Path, file: str, include: str, message: str) -> None:
    offenses = check_rooms(write(tmp_path, {"CMakeLists.txt": ROOMS, file: f'\n#include "{include}"\n'}))
    assert len(offenses) == 1
    assert message in messages(offenses)


# ---- docstrings ----

HEADER = """namespace loewner {

/// The sum of the squares of the entries.
///
/// Shapes    a: n x d.
/// Method    one pass.
/// Cost      2 n d flops; no memory beyond
///           one row block.
/// Accuracy  1e-13, relative.
/// Errors    none.
double energy(const RowSource& a);

struct Options {
  int rank = 0;  ///< in [1, n]
  int doubled() const { return 2 * rank; }
};

}  // namespace loewner
"""


def test_a_complete_docstring_passes() -> None:
    assert check_header("x.hpp", HEADER) == []
    (function,) = read_header("x.hpp", HEADER).functions
    assert function.name == "energy"
    assert function.labels() == {"Shapes", "Method", "Cost", "Accuracy", "Errors"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("one pass.\n/// Cost ", "one pass. Cost ", "a label stands inside a line"),
        ("///           one row", "/// one row", "a line that continues a label must be indented"),
        ("Cost      2", "Cost   2", "the text of Cost must begin 10 columns in"),
        ("/// Errors    none", "/// Method    none", "Method is repeated or follows Accuracy"),
        ("double energy", "\ndouble energy", "energy has no docstring"),
        ("entries.", "entries" + " and entries" * 7 + ".", "columns, at most 100"),
        ("/// Accuracy  1e-13, relative.\n", "", "the docstring of energy lacks Accuracy"),
    ],
)
def test_a_torn_docstring_is_found(before: str, after: str, message: str) -> None:
    assert HEADER.count(before) == 1
    assert message in messages(check_header("x.hpp", HEADER.replace(before, after)))


@pytest.mark.parametrize(
    ("signature", "needed"),
    [
        ("Index size_of(DType dtype);", {"Errors"}),
        ("void expand(const std::filesystem::path& model);", {"Method", "Cost", "Errors"}),
        ("double sum(std::span<const float> values);", {"Shapes", "Method", "Cost", "Accuracy", "Errors"}),
    ],
)
def test_the_signature_says_which_labels_a_docstring_needs(signature: str, needed: set[str]) -> None:
    assert set(needed_labels(signature)) == needed


@pytest.mark.parametrize(
    ("head", "function", "is_found"),
    [
        ("class Sketch", "void add(MatrixView<const float> rows)", True),
        ("class Sketch", "void add(Index rows) override", False),
        ("class Sketch", "Index rows() const", False),
        ("class Rows final : public RowSource", "explicit Rows(Matrix<float> a)", False),
    ],
)
def test_a_class_that_computes_needs_labels(head: str, function: str, is_found: bool) -> None:
    source = f"/// A sketch.\n///\n/// Method    one pass.\n{head} {{\n public:\n  {function};\n}};\n"
    found = messages(check_header("x.hpp", source))
    assert (f"{head} lack Shapes, Cost, Accuracy, Errors" in found) is is_found


# ---- spelling ----


@pytest.mark.parametrize(
    "word",
    ["factorisation", "minimised", "analyse", "colour", "neighbours", "behaviour", "centre", "labelled", "modelling"],
)
def test_british_words_are_found(word: str) -> None:
    assert british(word) is not None
    for text in (word, f"lp_{word}(a)", f"Lp{word.capitalize()}", f"k{word.capitalize()}2"):
        assert len(check_text("x", text)) == 1, text


@pytest.mark.parametrize(
    "word",
    ["noise", "otherwise", "elementwise", "precise", "raised", "promises", "comprises", "disable", "rising", "four",
     "hours", "source", "contour", "fulfill", "parallel", "analyses", "cancelled", "factorization", "denoise"],
)  # fmt: skip
def test_american_words_pass(word: str) -> None:
    assert british(word) is None


def test_spelling_is_checked_in_all_text_files(tmp_path: Path) -> None:
    files = {name: "the centre\n" for name in ("a.md", "src/a.cpp", "Makefile", "a.svg", "data.bin")}
    found = {offense.path for offense in check_spelling(write(tmp_path, files))}
    assert found == {"a.md", "src/a.cpp", "Makefile", "a.svg"}


# ---- documents ----


def repository(root: Path, page: str = "", tree: str = TREE) -> Path:
    rooms = {f"src/{room}/x.cpp": "" for room in ("base", "linalg", "model")}
    headers = {"include/loewner/base/x.hpp": ""}
    return write(
        root, {"CMakeLists.txt": ROOMS, "docs/architecture.md": tree, "docs/page.md": page, **rooms, **headers}
    )


def test_a_good_page_passes(tmp_path: Path) -> None:
    long = "x " * 80
    links = "See [the tree](architecture.md#architecture), [top](#page)."
    page = f"# Page\n\n{links}\n\n```sh\n{long}\n```\n\n    {long}\n\n| {long} |\n"
    assert check_documents(repository(tmp_path, page)) == []


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("word " * 21, "columns, at most 100"),
        ("[a](missing.md)", "the link target missing.md does not exist"),
        ("![figure](images/missing.svg)", "the link target images/missing.svg does not exist"),
        ("[a](architecture.md#nothing)", "the page has no heading for the link"),
        ("[a](#nothing)", "the page has no heading for the link"),
    ],
)
def test_a_bad_page_is_found(tmp_path: Path, page: str, message: str) -> None:
    offenses = check_documents(repository(tmp_path, page))
    assert len(offenses) == 1
    assert message in messages(offenses)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("  linalg/            Gram matrices\n", "", "the tree lacks the room linalg/"),
        ("docs/                pages\n", "", "the tree lacks docs/"),
        ("docs/                pages", "docs/                pages\nattic/               old", "attic/ does not exist"),
        ("  base/              matrices\n  linalg/            Gram matrices\n",
         "  linalg/            Gram matrices\n  base/              matrices\n", "must come in the order"),
        (TREE, "# Architecture\n", "needs a code block with the tree"),
    ],
)  # fmt: skip
def test_a_tree_that_differs_from_the_folders_is_found(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in TREE
    offenses = check_documents(repository(tmp_path, tree=TREE.replace(before, after)))
    assert message in messages(offenses)


def test_indented_folders_lie_in_the_one_above() -> None:
    assert [path for _, path in tree_of(TREE)] == [
        "include/loewner",
        "src",
        "src/base",
        "src/linalg",
        "src/model",
        "docs",
    ]


# ---- each file by itself ----


def test_a_file_that_does_not_compile_by_itself_is_found(tmp_path: Path) -> None:
    files = {
        "include/loewner/base/good.hpp": "#pragma once\nnamespace loewner {\nstruct Good {};\n}\n",
        "include/loewner/base/bad.hpp": "#pragma once\ninline loewner::Good good() { return {}; }\n",
        "src/base/warned.hpp": "#pragma once\ninline int f(int a) {\n  for (int a = 0;;) return a;\n}\n",
        "src/base/good.cpp": '#include "loewner/base/good.hpp"\n#include "loewner/base/bad.hpp"\n',
        "bench/micro/good_bench.cpp": '#include "loewner/base/good.hpp"\nloewner::Good good;\n',
        "bench/micro/old_bench.cpp": '#include "loewner/base/good.hpp"\nloewner::Renamed renamed;\n',
    }
    offenses, count = check_alone(write(tmp_path, files))
    assert count == 5
    bad = ["include/loewner/base/bad.hpp", "src/base/warned.hpp", "bench/micro/old_bench.cpp"]
    assert [offense.path for offense in offenses] == bad


def test_a_standard_header_that_is_missing_is_found(tmp_path: Path) -> None:
    files = {
        "include/loewner/base/list.hpp": "#pragma once\n#include <vector>\nstd::vector<int> list();\n",
        "src/base/good.cpp": '#include "loewner/base/list.hpp"\nstd::vector<int> again() { return {}; }\n',
        "src/base/bad.cpp": "// std::map is only named\nstd::vector<int> more();\nstd::vector<std::string> text();\n",
    }
    offenses, count = check_standard_headers(write(tmp_path, files))
    assert count == 3
    assert [(offense.path, offense.line, offense.message[-8:]) for offense in offenses] == [
        ("src/base/bad.cpp", 2, "<vector>"),
        ("src/base/bad.cpp", 3, "<string>"),
    ]


# ---- the wheel and its build ----


def wheel(folder: Path, name: str, requirements: list[str], files: list[str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        metadata = "\n".join(["Name: loewner", *(f"Requires-Dist: {text}" for text in requirements)])
        archive.writestr("loewner-0.1.0.dist-info/METADATA", metadata + "\n")
        for file in files:
            archive.writestr(file, "")
    return path


def test_a_wheel_that_lacks_something_is_found(tmp_path: Path) -> None:
    tag = "loewner-0.1.0-cp311-cp311-manylinux_2_35_x86_64.whl"
    library = ["loewner/libscipy_openblas.so", "loewner/libscipy_openblas.LICENSE.txt"]
    assert faults_of(wheel(tmp_path, tag, ["numpy>=1.26", 'torch; extra == "transformers"'], library)) == []
    assert len(faults_of(wheel(tmp_path, tag.replace("manylinux_2_35", "linux"), ["numpy"], library))) == 1
    assert len(faults_of(wheel(tmp_path, tag, ["numpy", "scipy-openblas32"], library))) == 1
    assert len(faults_of(wheel(tmp_path, tag, ["numpy"], library[1:]))) == 1
    assert len(faults_of(wheel(tmp_path, tag, ["numpy"], library[:1]))) == 1


def test_headers_that_the_system_lacks_come_from_packages(tmp_path: Path) -> None:
    assert {name.split(">")[0] for name in missing_headers(folders=(tmp_path,))} == {"pgm-build-deps", "cmeel-fmt"}
    for header in ("nlohmann/json.hpp", "CLI/CLI.hpp", "fmt/format.h"):
        (tmp_path / header).parent.mkdir(parents=True)
        (tmp_path / header).touch()
    assert missing_headers(folders=(tmp_path,)) == []
    own = {"cmake.define.LOEWNER_SYSTEM_HEADERS": "OFF"}
    assert len(missing_headers(own, folders=(tmp_path,))) == 2


SOLVER = "namespace loewner {\n\n/// Finds x.\ndouble find(double a);\n\n}  // namespace loewner\n"


def test_solver_without_a_case_of_scale_is_reported() -> None:
    headers = {"include/loewner/linalg/find.hpp": SOLVER}
    with_case = check_scale_cases(headers, {"scale_test.cpp": '{"find/float32", run}'}, set())
    without = check_scale_cases(headers, {"scale_test.cpp": '{"other", run}'}, set())
    assert with_case == []
    assert [offense.message for offense in without] == [
        "find has no case in tests/property/linalg/scale_test.cpp",
        "other is no public function or class",
    ]


def test_functions_of_the_other_rooms_need_no_case_of_scale() -> None:
    assert check_scale_cases({"include/loewner/model/find.hpp": SOLVER}, {}, set()) == []
