# SPDX-License-Identifier: Apache-2.0
"""Compression in this process or on a Ray cluster, of folders or of URLs: what the verb and the command do."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from loewner._calibration import compress_with_text
from loewner._ray import compress_on_ray
from loewner._urls import Places, compress_at_urls

Folder = str | os.PathLike[str]


def compress_anywhere(
    model: Folder, output: Folder, text: Folder | None, *, ray: str | None, threads: int | None = None, **options: Any
) -> dict[str, Any]:
    """The report of `_core.compress`. ray: the address of a cluster. threads: CPUs of each of its tasks."""
    run = _in_this_process if ray is None else partial(compress_on_ray, address=ray, threads=threads)
    return compress_at_urls(run, model, output, text, **options)


def _in_this_process(
    model: Folder, output: Folder, text: Folder | None, places: Places, **options: Any
) -> dict[str, Any]:
    return compress_with_text(model, output, text, **options)
