# SPDX-License-Identifier: Apache-2.0
"""Calibration texts: compression with one where it can be, and without one elsewhere; moments; token counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._output_stage import stage_of
from loewner._static_calibration import options_with_text
from loewner._texts import has_tokenizer
from loewner.onnx import is_onnx_model, require_onnx
from loewner.static_embedding import is_static_model

PACKAGE_TEXT, NO_TEXT = "package", "none"
_NEEDS_TORCH = "calibration needs torch and transformers: pip install 'loewner[transformers]'"
Progress = Callable[[str, float], None]
Finished = Callable[[_core.CompressSession], None]


def compress_with_text(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    text: str | os.PathLike[str] | None,
    *,
    progress: Progress | None = None,
    on_finish: Finished | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The report of `_core.compress`, with tables and linear layers coded for what a text tells about them.

    text: a file, "package", "none", or None: the package's text, or a note where it cannot be used. on_finish: is given
    the finished session.
    """
    if is_onnx_model(model) or Path(output).suffix == ".onnx":
        return _of_onnx(model, output, text, progress=progress, **options)
    if options.pop("tokenizer", None):
        raise ValueError("compress: tokenizer is for ONNX files")
    blind = partial(_without_text, model, output, progress=progress, on_finish=on_finish, options=options)
    if not calibrates(text, options):
        return blind([])
    is_asked_for, is_of_tables = asks_for_text(text, options), takes_tables_alone(options)
    if is_asked_for and is_static_model(model):
        return _of_static(blind, model, text, options)
    what = "tables" if is_of_tables else "linear layers"
    if not is_asked_for and is_of_tables:
        require_work(model, output, options)
        if is_static_model(model):
            return blind([])
        if not has_tokenizer(Path(model)):
            return blind([blind_note("the folder has no tokenizer", what)])
    try:
        from loewner.transformers.calibration import CalibrationText, NoCalibration, compress_calibrated
    except Exception as error:  # a broken torch raises any exception
        if is_asked_for:
            raise ImportError(_NEEDS_TORCH) from error
        return blind([blind_note(_import_failure(error), what)])
    try:
        return compress_calibrated(
            model,
            output,
            text=file_of(text),
            is_default=not is_asked_for,
            progress=progress,
            on_finish=on_finish,
            **options,
        )
    except NoCalibration as error:
        if is_asked_for:
            raise ValueError(_failure(model, text, error)) from error
        if on_finish is not None:  # the command line: the same command resumes the run
            options["text"] = CalibrationText.read(None).fingerprint
        return blind([blind_note(str(error), what)])


def calibrates(text: str | os.PathLike[str] | None, options: dict[str, Any]) -> bool:
    """Whether the options want a calibration. Raises ValueError where the user asks for one that they rule out."""
    is_asked_for = asks_for_text(text, options)
    reason = (
        _reason_against_tables(options, is_asked_for) if takes_tables_alone(options) else reason_against_text(options)
    )
    if text == NO_TEXT or (not is_asked_for and reason):
        if options.get("save_moments"):
            raise ValueError("compress: save_moments needs a calibration text")
        return False
    if reason:
        raise ValueError(f"compress: a calibration text {reason}")
    return True


def asks_for_text(text: str | os.PathLike[str] | None, options: dict[str, Any]) -> bool:
    return text is not None or bool(options.get("save_moments"))


def save_moments(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    text: str | os.PathLike[str] | None,
    max_memory: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the moments of a model's linear layers on a text: a file, or by default the package's."""
    try:
        from loewner.transformers import calibration
    except ImportError as error:
        raise ImportError(_NEEDS_TORCH) from error
    try:
        return calibration.save_moments(model, output, text=file_of(text), max_memory=max_memory, progress=progress)
    except calibration.NoCalibration as error:
        raise ValueError(_failure(model, text, error)) from error


def file_of(text: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    return None if text in (None, PACKAGE_TEXT) else text


def _failure(model: str | os.PathLike[str], text: str | os.PathLike[str] | None, error: Exception) -> str:
    return f"{os.fspath(model)}: calibration with '{os.fspath(text or PACKAGE_TEXT)}': {error}"


def _of_onnx(
    model: str | os.PathLike[str], output: str | os.PathLike[str], text: str | os.PathLike[str] | None, **options: Any
) -> dict[str, Any]:
    require_onnx("compress")
    from loewner.onnx.compress.compression import compress_onnx

    return compress_onnx(model, output, text, **options)


def _of_static(
    blind: Callable[..., dict[str, Any]],
    model: str | os.PathLike[str],
    text: str | os.PathLike[str] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    if options.get("save_moments"):
        raise ValueError("compress: a static embedding model has no moments")
    file = file_of(text)
    if file is None:
        return blind(["the package's text does not weigh the rows of a static embedding model"])
    return blind([], options=options_with_text(model, Path(file), options))


def takes_tables_alone(options: dict[str, Any]) -> bool:
    """Whether token embeddings are all that the options select."""
    selection = options.get("selection", _core.Selection.embeddings)
    return bool(selection == _core.Selection.embeddings and not options.get("include"))


def _reason_against_tables(options: dict[str, Any], is_asked_for: bool) -> str | None:
    """Why the options leave no table to calibrate. Who gives all rows the same weight means the errors of the table."""
    if options.get("row_weights") == "none" and not is_asked_for:
        return "needs row weights"
    if not _core.weighs_channels(options.get("method", _core.Method.auto)):
        return "needs a method that minimizes errors of outputs"
    return _reason_against_options(options)


def reason_against_text(options: dict[str, Any]) -> str | None:
    """Why the options leave no layer to calibrate."""
    if takes_tables_alone(options):
        return "needs selected linear layers"
    if not _core.weighs_outputs(options.get("method", _core.Method.auto)):
        return "needs a method that minimizes errors of outputs"
    return _reason_against_options(options)


def _reason_against_options(options: dict[str, Any]) -> str | None:
    if options.get("max_error") is not None:
        return "cannot be combined with max_error"
    return "cannot be combined with moments" if options.get("moments") else None


def require_work(model: str | os.PathLike[str], output: str | os.PathLike[str], options: dict[str, Any]) -> None:
    """Raises what `_core.compress` raises for a model, options or an output that it refuses, before torch is loaded."""
    refuses = options.get("if_exists", _core.IfExists.refuse) == _core.IfExists.refuse
    is_there = Path(output).exists() or stage_of(output).exists()
    is_dry_run = options.get("dry_run") or not (refuses and is_there)
    with _core.CompressSession(model, output, **{**options, "dry_run": is_dry_run}):
        pass


def _import_failure(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "it needs torch and transformers"
    return f"torch and transformers cannot be imported: {' '.join(str(error).split())[:200]}"


def blind_note(reason: str, what: str = "linear layers") -> str:
    return f"{what} are coded without calibration: {reason}"


def _without_text(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    notes: list[str],
    *,
    progress: Progress | None,
    on_finish: Finished | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    if on_finish is None:
        data: dict[str, Any] = _core.compress(model, output, progress=progress, **options)
        return {**data, "notes": [*notes, *data["notes"]]}
    with _core.CompressSession(model, output, **options) as session:
        if not session.complete:
            planned = session.plan()
            for number in range(0 if session.dry_run else len(session.tensors)):
                if not planned[number].copied:
                    session.encode(number)
        report: dict[str, Any] = session.finish(notes=notes, progress=progress)
        on_finish(session)
        return report
