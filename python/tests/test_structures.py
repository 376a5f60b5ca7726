# SPDX-License-Identifier: Apache-2.0
"""The list of structures is complete, and no other file of the package names a structure or a method."""

from __future__ import annotations

import ast
from pathlib import Path

import loewner
import numpy_reader
import pytest
from loewner._structures import STRUCTURES

PACKAGE = Path(loewner.__file__).parent
# The list itself, and the modules of the structures.
ALLOWED = ("_structures.py", "transformers/structures/")
METHODS = {name.replace("_", "-") for name in loewner.Method.__members__} - {"auto"}
NAMES = (METHODS | set(STRUCTURES)) - {"dense"}  # which is also a value of `memory`


def names_in(source: str) -> set[str]:
    """Structures and methods among the string constants of a file."""
    constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return {value for value in constants if isinstance(value, str)} & NAMES


def test_the_list_has_the_structures_of_the_second_reader() -> None:
    assert set(STRUCTURES) == set(numpy_reader.STRUCTURES)


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_has_a_torch_module(name: str) -> None:
    assert STRUCTURES[name].name == name
    assert callable(STRUCTURES[name].module_class().array_shapes)


def test_no_other_file_names_a_structure_or_a_method() -> None:
    for file in PACKAGE.rglob("*.py"):
        if not file.relative_to(PACKAGE).as_posix().startswith(ALLOWED):
            assert names_in(file.read_text(encoding="utf-8")) == set(), file


def test_a_name_in_a_file_is_found() -> None:
    assert names_in('if structure == "archetypes":\n    pass') == {"archetypes"}
