# SPDX-License-Identifier: Apache-2.0
"""Only registries and own files name a single method or structure (docs/adding-a-structure.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
METHODS = REPOSITORY / "src/plan/method.cpp"
STRUCTURES = REPOSITORY / "src/codec/structures.cpp"

# Other files that may name methods and structures, and why.
ALLOWED = {
    "src/codec/structures.cpp": "the registry of structures",
    "python/loewner/_structures.py": "the registry of structures in Python",
    "python/loewner/_loading.py": "the memory mode dense",
    "apps/loewner/commands/export.cpp": "the form int8 of linear layers",
    "python/loewner/_export.py": "the form int8 of linear layers",
    "python/loewner/onnx/replacing.py": "the form int8 of linear layers",
    "python/loewner/evaluation/encoders.py": "the memory mode dense",
    "python/loewner/evaluation/models.py": "the memory mode dense",
    "python/loewner/transformers/refit.py": "the memory mode dense",
    "src/codec/banded_rows.hpp": "the rows of codes as products take them",
    "src/codec/encoded_product.cpp": "the registry of products with encoded matrices",
    "src/codec/factored_product.hpp": "the product of vectors with a product of factors",
}


def registered_methods() -> set[str]:
    """Enumerators, such as coded_svd."""
    found = set(re.findall(r"^MethodDescriptor (\w+)_method\(\);", METHODS.read_text(), re.MULTILINE))
    return found - {"automatic"}


def registered_structures() -> set[str]:
    """Names in specifications, such as low_rank."""
    return set(re.findall(r'\{"(\w+)", \w+::from_tensors,', STRUCTURES.read_text()))


def is_own_file(name: str, kinds: set[str]) -> bool:
    """A method or a structure may also name those that it consists of or competes with."""
    path = Path(name)
    if path.parent.name in ("structures", "decoders"):
        return True
    if path.parent.name == "plan":
        return path.stem.endswith(("_method", "_methods"))
    return path.parent.name == "codec" and any(path.stem.startswith(kind.removesuffix("s")) for kind in kinds)


def sources() -> Iterator[Path]:
    """The rooms from codec upwards. Those below cannot use it, and have words such as dense in their own right."""
    rooms = [f"{folder}/{room}" for folder in ("include/loewner", "src") for room in ("codec", "plan", "compress")]
    for folder in (*rooms, "apps", "python/loewner"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".py"):
                yield path
    yield from (REPOSITORY / "python/bindings" / f"{room}.cpp" for room in ("compress", "study"))


def names_in(text: str, kinds: set[str]) -> list[str]:
    """Enumerators, names in quotes, headers, and identifiers that belong to one method."""
    names = {*kinds, *(kind.replace("_", "-") for kind in kinds)}
    kind = "|".join(sorted(names, key=len, reverse=True))
    patterns = (
        rf"(?<!\w)Method(?:::|\.)(?:{kind})\b",
        rf"([\"'])(?:{kind})\1",
        rf"loewner/codec/(?:{kind})\.hpp",
        r"\bnum_(?:subspaces|archetypes)\b|\barchetypes_per_row\b|(?:\.|->)(?:subspaces|archetypes)\b",
    )
    return [found.group() for pattern in patterns for found in re.finditer(pattern, text)]


def without_comments(text: str, suffix: str) -> str:
    """And without docstrings."""
    if suffix == ".py":
        text = re.sub(r'"""(?:[^"]|"(?!""))*"""', "", text)
        return re.sub(r"#.*", "", text)
    return re.sub(r"//.*", "", text)


KINDS = registered_methods() | registered_structures()


def test_the_registries_are_found() -> None:
    assert {"svd", "coded_svd", "archetypes"} <= registered_methods()
    assert {"low_rank", "product", "archetypes"} <= registered_structures()


def test_only_registries_and_own_files_name_a_method_or_a_structure() -> None:
    found = {}
    for path in sources():
        name = str(path.relative_to(REPOSITORY))
        if name in ALLOWED or is_own_file(name, KINDS):
            continue
        if names := names_in(without_comments(path.read_text(), path.suffix), KINDS):
            found[name] = names
    assert found == {}


def test_every_exception_is_used() -> None:
    for name in ALLOWED:
        path = REPOSITORY / name
        assert names_in(without_comments(path.read_text(), path.suffix), KINDS), name


@pytest.mark.parametrize(
    "line",
    [
        "if (method == Method::svd) return;",
        "if method == Method.coded_svd:",
        'if (name == "coded-svd") return;',
        "if structure == 'low_rank':",
        '#include "loewner/codec/product.hpp"',
        "std::optional<Index> num_archetypes;",
        "report.subspaces = 3;",
    ],
)
def test_a_planted_name_is_found(line: str) -> None:
    assert names_in(line, KINDS)


@pytest.mark.parametrize(
    "line", ["Method::automatic", "auto codes = encode(a);", "LeverageMethod::exact", '"dense matrix"']
)
def test_other_words_are_no_names(line: str) -> None:
    assert not names_in(line, KINDS)
