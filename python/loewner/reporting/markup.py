# SPDX-License-Identifier: Apache-2.0
"""HTML and SVG with escaped text: names of tokens, tensors and files are untrusted."""

from __future__ import annotations

import html
import re

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VOID = {"link", "meta", "wbr"}


class Markup(str):
    """Text that is markup. Every other string is escaped when it becomes part of markup."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """Markup as it is; any other object as escaped text."""
    return text if isinstance(text, Markup) else Markup(html.escape(_NO_XML.sub("\ufffd", str(text))))


def join(*parts: object) -> Markup:
    """The parts one after the other, escaped where necessary."""
    return Markup("".join(escape(part) for part in parts))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. Attribute class_ means class, data_x means data-x; None and False are left out."""
    written = "".join(
        _attribute(key, value) for key, value in attributes.items() if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def readable(text: str) -> str:
    """Show invisible characters and those that reverse text as escapes; quote text with blanks at its ends."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if shown.strip() == shown and shown else f"\u201c{shown}\u201d"
