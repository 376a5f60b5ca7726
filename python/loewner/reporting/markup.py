# SPDX-License-Identifier: Apache-2.0
"""HTML and SVG in which every text is escaped: names of tokens, tensors and files come from strangers."""

from __future__ import annotations

import html
import re

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VOID = {"link", "meta", "wbr"}


class Markup(str):
    """Text that is markup already; every other string is escaped where it becomes part of some."""

    __slots__ = ()


def escape(text: object) -> Markup:
    return text if isinstance(text, Markup) else Markup(html.escape(_NO_XML.sub("\ufffd", str(text))))


def join(*parts: object) -> Markup:
    return Markup("".join(escape(part) for part in parts))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element; of attributes, class_ is class, data_x is data-x, None and False are left out."""
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
    """What cannot be seen, or turns the line around it, in escapes; blanks are marked."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if shown.strip() == shown and shown else f"\u201c{shown}\u201d"
