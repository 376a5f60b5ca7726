# SPDX-License-Identifier: Apache-2.0
"""The calibration of a run on Ray: the driver measures the moments of the original model, and all tasks use them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._calibration import asks_for_text, calibrates, file_of, require_work, save_moments, takes_tables_alone
from loewner._files import move_file
from loewner._ray.cluster import Progress
from loewner._urls import Places
from loewner._urls.remote_folder import is_url
from loewner.static_embedding import is_static_model

Folder = str | os.PathLike[str]


def calibrates_on_ray(text: Folder | None, options: dict[str, Any]) -> bool:
    """Tables alone are only calibrated when the user asks for it."""
    return (asks_for_text(text, options) or not takes_tables_alone(options)) and calibrates(text, options)


@contextlib.contextmanager
def calibrated(
    model: Folder, output: Folder, text: Folder | None, places: Places, options: dict[str, Any], progress: Progress
) -> Iterator[str]:
    """A moments file that all nodes see. It stays after a failure as long as a run can be resumed with it.

    The name of its folder tells the text, so that a resumed run finds it. Its own name is in the model card.
    """
    _require_usable(model, text, places)
    require_work(model, output, options)
    saved = Path(options["save_moments"]) if options.get("save_moments") else None
    folder = Path(f"{os.path.realpath(output)}.{_fingerprint(text)[:16]}.moments")
    file = folder / (saved.name if saved else "moments.safetensors")
    try:
        if not (file.exists() and options["if_exists"] == _core.IfExists.resume):
            folder.mkdir(exist_ok=True)
            _measure(model, file, text, options, progress)
        yield str(file)
        if saved:
            move_file(file, saved)
    except BaseException as error:
        if not (file.exists() and can_be_resumed(error)):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)


def can_be_resumed(error: BaseException) -> bool:
    """Whether a resumed run would not raise the same."""
    return not isinstance(error, _core.BudgetError | ValueError)


def _require_usable(model: Folder, text: Folder | None, places: Places) -> None:
    if is_url(places.output):
        raise ValueError(
            "compress: on Ray, a calibration needs an output that is a folder: write moments with loewner.calibrate, "
            "put them at a URL and give moments, or give text 'none'"
        )
    if is_static_model(model):
        raise ValueError("compress: on Ray, static embedding models take no text; give text 'none'")


def _fingerprint(text: Folder | None) -> str:
    file = file_of(text)
    from loewner.transformers.calibration.sequences import CalibrationText

    return CalibrationText.read(None if file is None else Path(file)).fingerprint


def _measure(model: Folder, file: Path, text: Folder | None, options: dict[str, Any], progress: Progress) -> None:
    try:
        save_moments(model, file, text, options.get("max_memory") or 0, progress)
    except (ImportError, ValueError) as error:
        if text is not None:
            raise
        raise type(error)(f"{error}; text 'none' encodes without a calibration") from error
