# SPDX-License-Identifier: Apache-2.0
"""Every public function and class of the library has a complete numpydoc docstring whose examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import loewner
import loewner.typing
import pytest

ROOMS = ["attention", "cluster", "linalg", "lowrank", "norms", "regression", "sketch"]
SECTIONS = ["Parameters", "Attributes", "Returns", "Raises", "Notes", "References", "Examples"]
OF_THE_TOP_LEVEL = ["num_threads", "set_num_threads", "FitReport", "StoredMatrix"]  # the verbs have pages of their own


def public_objects() -> Iterator[tuple[str, Any]]:
    for name in OF_THE_TOP_LEVEL:
        yield name, getattr(loewner, name)
    for room in ROOMS:
        module = getattr(loewner, room)
        for name in module.__all__:
            yield f"{room}.{name}", getattr(module, name)


# Functions whose method is their definition: there is no source to name.
ELEMENTARY = {
    "linalg.project_rows": "a product of matrices",
    "lowrank.distances_to_subspace": "norms of rows less their projections",
    "norms.approximation_errors": "sums over the entries of a difference",
}


OBJECTS = dict(public_objects())
FUNCTIONS = {name: each for name, each in OBJECTS.items() if not inspect.isclass(each)}
CLASSES = {name: each for name, each in OBJECTS.items() if inspect.isclass(each) and not hasattr(each, "__members__")}
CHOICES = {name: each for name, each in OBJECTS.items() if hasattr(each, "__members__")}
CONSTRUCTED = {name: each for name, each in CLASSES.items() if type(vars(each)["__init__"]).__name__ == "nb_method"}
METHODS = {
    f"{name}.{method}": member
    for name, each in CLASSES.items()
    for method, member in vars(each).items()
    if not method.startswith("_") and not isinstance(member, property)
}


def signatures_of(function: Any) -> list[str]:
    return [re.sub(r"\\\\=?\\d+", "...", entry[0]) for entry in function.__nb_signature__]


def parameters_of(function: Any) -> set[str]:
    """The names between the parentheses, of the first overload."""
    inside = signatures_of(function)[0].partition("(")[2].rpartition(")")[0].partition(") ->")[0]
    bare = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", inside))
    return set(re.findall(r"(?:^|, )(\w+)", bare)) - {"self"}


def sections_of(doc: str) -> dict[str, str]:
    parts = re.split(r"^(\w+)\n-+\n", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented_parameters(doc: str) -> set[str]:
    names = re.findall(r"^(\w[\w, ]*) : ", sections_of(doc).get("Parameters", ""), flags=re.MULTILINE)
    return {name for line in names for name in line.split(", ")}


def without_signature(doc: str) -> str:
    return doc.partition("\n\n")[2]


def unmatched_sources(doc: str) -> set[str]:
    """Numbers that the text cites without an entry in the References, and entries that it does not cite."""
    text, _, references = doc.partition("\nReferences\n")
    return set(re.findall(r"\[(\d+)\]_", text)) ^ set(re.findall(r"^\.\. \[(\d+)\]", references, flags=re.MULTILINE))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_every_section(name: str) -> None:
    doc = FUNCTIONS[name].__doc__
    assert re.match(r"[A-Z].*\.\n", without_signature(doc)), "the first line is a sentence"
    found = list(sections_of(doc))
    assert found == [section for section in SECTIONS if section in found], "in the order of numpydoc"
    needed = {"Examples"} if name in OF_THE_TOP_LEVEL else {"Parameters", "Returns", "Raises", "Notes", "Examples"}
    assert needed <= set(found)
    assert ("References" in found) == (name not in ELEMENTARY and name not in OF_THE_TOP_LEVEL)
    assert unmatched_sources(doc) == set()


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_a_summary_and_their_attributes(name: str) -> None:
    doc = str(CLASSES[name].__doc__)
    assert re.match(r"[A-Z].*\.(\n|$)", doc)
    assert unmatched_sources(doc) == set()
    properties = {each for each, member in vars(CLASSES[name]).items() if isinstance(member, property)}
    listed = set(re.findall(r"^(\w+)(?: : .*)?$", sections_of(doc).get("Attributes", ""), flags=re.MULTILINE))
    assert listed == properties
    if name in CONSTRUCTED:
        assert {"Parameters", "Raises", "Notes", "Examples"} <= set(sections_of(doc))
        assert documented_parameters(doc) == parameters_of(vars(CLASSES[name])["__init__"])


@pytest.mark.parametrize("name", FUNCTIONS | METHODS)
def test_documented_parameters_are_those_of_the_signature(name: str) -> None:
    function = (FUNCTIONS | METHODS)[name]
    function = getattr(function, "__func__", function)
    assert documented_parameters(function.__doc__) == parameters_of(function)
    if "->" in signatures_of(function)[0] and "-> None" not in signatures_of(function)[0]:
        assert "Returns" in sections_of(function.__doc__)


def test_the_check_of_parameters_finds_a_missing_one() -> None:
    doc = loewner.linalg.truncated_svd.__doc__
    assert doc is not None
    spoilt = doc.replace("eps : float", "epsilon : float")
    assert documented_parameters(spoilt) != parameters_of(loewner.linalg.truncated_svd)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_can_be_read(name: str) -> None:
    for signature in signatures_of(FUNCTIONS[name]):
        assert "dict(" not in signature and "Annotated[" not in signature.partition(") ->")[0]


@pytest.mark.parametrize("name", OBJECTS)
def test_examples_run(name: str) -> None:
    doc = OBJECTS[name].__doc__
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(doctest.DocTestParser().get_doctest(doc, {}, name, None, 0))
    assert runner.failures == 0
    if name in FUNCTIONS or name in CONSTRUCTED:
        assert runner.tries > 0


@pytest.mark.parametrize(
    "module", ["loewner.torch.lev_attention", "loewner.torch.leverage", "loewner.sklearn.latent_simplex"]
)
def test_examples_of_the_extras_run(module: str) -> None:
    failures, tries = doctest.testmod(importlib.import_module(module))
    assert failures == 0 < tries


# ---- choices ----


def literals() -> dict[str, set[str]]:
    """The words of every enumeration in the signatures of the library."""
    found: dict[str, set[str]] = {}
    for function in FUNCTIONS.values():
        for signature in signatures_of(function):
            for words, choice in re.findall(r"Literal\[([^\]]*)\] \| (?:loewner\.)?([\w.]+)", signature):
                found[choice] = set(re.findall(r"'(\w+)'", words))
    return found


def test_signatures_list_the_words_of_every_choice() -> None:
    members = {name: {member.value for member in each} for name, each in CHOICES.items()}
    results_only = {"lowrank.EntrywiseStart"}
    assert literals() == {name: words for name, words in members.items() if name not in results_only}


CHOICES_OF_THE_VERBS = {
    each.__name__: each
    for each in (loewner.IfExists, loewner.Method, loewner.NumberFormat, loewner.Selection, loewner.Status)
}


@pytest.mark.parametrize("name", CHOICES | CHOICES_OF_THE_VERBS)
def test_choices_and_their_members_have_a_docstring(name: str) -> None:
    choice: Any = (CHOICES | CHOICES_OF_THE_VERBS)[name]
    for each in (choice, *choice):
        assert re.fullmatch(r"\S.*\.", each.__doc__)


@pytest.mark.parametrize("name", CHOICES)
def test_members_of_choices_are_their_words(name: str) -> None:
    for member in CHOICES[name]:
        assert member == member.name == member.value


def test_an_unknown_word_is_a_value_error_that_lists_the_words() -> None:
    with pytest.raises(ValueError, match=r"route must be one of 'auto', 'gram', 'direct', 'krylov', got 'qr'"):
        loewner.linalg.truncated_svd([[1.0]], 1, route="qr")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scheme must be one of 'pivotal', 'poisson', got 7"):
        loewner.regression.plan_labels([[1.0]], 1, scheme=7)  # type: ignore[arg-type]


def test_words_and_members_mean_the_same() -> None:
    a = [[1.0, 2.0], [3.0, 4.0]]
    route = loewner.linalg.SvdRoute.direct
    assert loewner.linalg.truncated_svd(a, 1, route=route).route == "direct"
    assert loewner.linalg.truncated_svd(a, 1, route="direct").route is route
