# SPDX-License-Identifier: Apache-2.0
"""The list of structures in Python is complete. test_architecture.py checks that no other file names one."""

from __future__ import annotations

import numpy_reader
import pytest
from loewner._structures import STRUCTURES


def test_the_list_has_the_structures_of_the_second_reader() -> None:
    assert set(STRUCTURES) == set(numpy_reader.STRUCTURES)


@pytest.mark.parametrize("name", STRUCTURES)
def test_every_structure_has_a_torch_module(name: str) -> None:
    assert STRUCTURES[name].name == name
    assert callable(STRUCTURES[name].module_class().array_shapes)
