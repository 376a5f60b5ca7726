# SPDX-License-Identifier: Apache-2.0
"""Options of from_pretrained that transformers does not pass on to the quantizer."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel


@dataclass(frozen=True)
class GivenOptions:
    key_mapping: dict[str, str] | None = None
    state_names: frozenset[str] | None = None  # of the state_dict that the caller has loaded


_GIVEN: ContextVar[GivenOptions] = ContextVar("loewner_given_options", default=GivenOptions())  # noqa: B039


def given_options() -> GivenOptions:
    """The options of the current call of from_pretrained."""
    return _GIVEN.get()


def remember_options() -> None:
    """Let the quantizer see the options of from_pretrained."""
    model: Any = PreTrainedModel
    model.from_pretrained = classmethod(_remembering(model.from_pretrained.__func__))


def _remembering(original: Any) -> Any:
    @functools.wraps(original)
    def from_pretrained(cls: Any, *arguments: Any, **options: Any) -> Any:
        with _given(options.get("key_mapping"), options.get("state_dict")):
            return original(cls, *arguments, **options)

    return from_pretrained


@contextmanager
def _given(key_mapping: dict[str, str] | None, state: dict[str, Any] | None) -> Iterator[None]:
    token = _GIVEN.set(GivenOptions(key_mapping, None if state is None else frozenset(state)))
    try:
        yield
    finally:
        _GIVEN.reset(token)
