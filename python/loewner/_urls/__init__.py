# SPDX-License-Identifier: Apache-2.0
"""`compress` of models, outputs and moments at URLs, such as s3://BUCKET/MODEL, through fsspec.

A run works on local copies: the core maps files, and writes an output in one step. The model is copied into a cache of
the machine, and of each node with --ray. The output is made there and then put at its URL.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._urls.cache import fetched_file, fetched_model
from loewner._urls.remote_folder import is_url
from loewner._urls.remote_output import RemoteOutput

Folder = str | os.PathLike[str]
Run = Callable[..., dict[str, Any]]
_LOCAL_ONLY = ("text", "tokenizer", "save_moments", "row_weights")


@dataclass(frozen=True)
class Places:
    """Where a user's model, output and moments are: paths of this machine or URLs."""

    model: str
    output: str
    moments: str


def compress_at_urls(run: Run, model: Folder, output: Folder, text: Folder | None, **options: Any) -> dict[str, Any]:
    """`run(model, output, text, places, **options)`, with local folders in place of URLs."""
    places = Places(os.fspath(model), os.fspath(output), os.fspath(options.get("moments") or ""))
    _require_local({"text": text, **options})
    if not any(map(is_url, (places.model, places.output, places.moments))):
        return run(model, output, text, places, **options)
    for path in (places.model, places.output):
        if path.endswith(".onnx"):
            raise ValueError(f"{path}: folders of safetensors are read from URLs, ONNX files are not")
    show = options.get("progress") or (lambda what, share: None)
    local, remote = places, None
    if is_url(places.output) and options.get("dry_run"):
        local = replace(places, output="")
    elif is_url(places.output):
        remote = RemoteOutput(places.output, options.get("if_exists", _core.IfExists.refuse))
        remote.begin()
        local = replace(places, output=str(remote.path))
    try:
        if is_url(places.model):
            local = replace(local, model=str(fetched_model(places.model, lambda name: show(f"fetching {name}", 0))))
        if is_url(places.moments):
            local = replace(local, moments=str(fetched_file(places.moments)))
        report = run(local.model, local.output, text, places, **{**options, "moments": local.moments})
        if remote:
            remote.publish()
    except BaseException as error:
        if remote:
            with contextlib.suppress(_core.IoError):  # the first error counts
                remote.give_up(keeps_parts=not isinstance(error, _core.BudgetError | ValueError))
        raise _with_urls(error, local, places) from None
    return report


def _require_local(options: dict[str, Any]) -> None:
    for name in _LOCAL_ONLY:
        if is_url(options.get(name) or ""):
            raise ValueError(f"compress: {name} must be a file of this machine, got the URL {options[name]}")


def _with_urls(error: BaseException, local: Places, places: Places) -> BaseException:
    """The error in the words of the user, who knows no copies."""
    text = str(error)
    for copy, place in zip(astuple(local), astuple(places), strict=True):
        if is_url(place) and copy:
            text = text.replace(str(Path(copy)), place.rstrip("/"))
    if text == str(error) or not isinstance(error, _core.IoError | _core.BudgetError | ValueError):
        return error
    return type(error)(text)
