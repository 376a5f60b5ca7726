# SPDX-License-Identifier: Apache-2.0
"""The API pages of the Python package, from its docstrings: make docs."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import loewner

project = "loewner"
author = "the loewner developers"
release = loewner.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["templates"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1200px", "sidebar_width": "250px"}
templates_path = ["templates"]
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
default_role = "code"

ROOMS = ["linalg", "sketch", "norms", "lowrank", "regression", "cluster", "attention", "typing"]


def bare_signature(name: str, line: str) -> str | None:
    """NAME(parameters) without types, which the section Parameters lists, of "NAME(...) -> type"."""
    match = re.match(r"\w+(\(.*\)) -> ", line)
    if match is None:
        return None
    bare = re.sub(r"\[[^\[\]]*\]", "", re.sub(r"\[[^\[\]]*\]", "", match[1]))
    bare = re.sub(r"(\w+): [^,=)]*?( = |(?=[,)]))", lambda m: m[1] + m[2].replace(" ", ""), bare)
    return name + bare.replace("self, ", "").replace("(self)", "()")


def stand_in(function: Any) -> Any:
    """A Python function with the docstring of a function of the extension, a type that autodoc does not know."""

    def documented(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    line, _, text = function.__doc__.partition("\n\n")
    documented.__name__ = documented.__qualname__ = function.__name__
    documented.__module__ = function.__module__
    documented.__doc__ = f"{bare_signature(function.__name__, line)}\n\n{text}"
    return documented


def prepare(module: Any) -> None:
    """autodoc reads signatures of the extension from the first line of docstrings."""
    for name in module.__all__:
        member = getattr(module, name)
        if type(member).__name__ == "nb_func":
            setattr(module, name, stand_in(member))
        constructor = vars(member).get("__init__") if inspect.isclass(member) else None
        if type(constructor).__name__ == "nb_method":
            line = constructor.__doc__.partition("\n")[0]
            member.__doc__ = f"{bare_signature(name, line)}\n\n{member.__doc__}"


for _module in [loewner, *(importlib.import_module(f"loewner.{room}") for room in ROOMS)]:
    prepare(_module)


def process_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """|x| is an absolute value, not a substitution."""
    examples = lines.index("Examples") if "Examples" in lines else len(lines)
    lines[:examples] = [line.replace("|", r"\|") for line in lines[:examples]]


def skip_member(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """The section Attributes lists the properties; the words of a choice are not the methods of a string."""
    return True if isinstance(obj, property) or name.startswith("_") or name == "maketrans" else None


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", process_docstring, priority=100)  # before numpydoc reads the sections
    app.connect("autodoc-skip-member", skip_member)
