# SPDX-License-Identifier: Apache-2.0
"""Codes of linear layers for the inputs that they meet: the model is run on a calibration text.

sequences   the text as batches of tokens
survey      moments and effects in the original model
matching    which module uses which tensor
lockstep    forwards that stand still together at each layer
moments     second moments of a layer's inputs
targets     weights that correct for the errors of earlier layers
effects     how much an error of a layer changes the outputs of the model
walk        all of it in order, with a session of the core that plans and encodes
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from loewner import _core
from loewner.transformers.calibration.matching import modules_of
from loewner.transformers.calibration.sequences import CalibrationText, NoCalibration, token_batches
from loewner.transformers.calibration.survey import Layers, Progress, Surveyor, Tables, with_guesses
from loewner.transformers.calibration.walk import Walk

__all__ = ["CalibrationText", "NoCalibration", "compress_calibrated", "save_moments"]

HELD_OUT = 16  # every 16th sequence measures the result, and no layer is fitted to it


def compress_calibrated(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    on_finish: Callable[[_core.CompressSession], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`_core.compress` with linear layers coded for the inputs that `text` gives them; returns its report.

    text: a file with one text on each line; None is the text of the package. on_finish: is given the finished session.

    Raises NoCalibration, before anything is written, if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    keeps_moments = bool(options.get("save_moments"))
    with _core.CompressSession(folder, output, text=lines.fingerprint, **options) as session, _core_threads():
        measured: dict[str, Any] = {"model": None, "tensors": None}
        walk = None
        try:
            if not session.complete:
                with _author_code():
                    walk = _walk_of(session, folder, lines, keeps_moments, progress)
                    walk.plan()
        except NoCalibration as error:
            failure = error  # leaving the session without an error keeps what an earlier run has finished
        else:
            if walk is not None and not session.dry_run:
                measured = walk.encode()
            report: dict[str, Any] = session.finish(
                measured["model"], of_tensors=measured["tensors"], progress=progress
            )
            if on_finish is not None:
                on_finish(session)
            return report
    raise failure


def save_moments(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the moments of the inputs of all linear layers of the original model; returns what a report says of them.

    Raises NoCalibration if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    options: dict[str, Any] = {"selection": _core.Selection.all, "keep": 0.5, "dry_run": True}
    with _core.CompressSession(folder, "", **options) as session, _core_threads(), _author_code():
        loaded, layers, tables, batches = _loaded_on(session, folder, lines)
        surveyor = Surveyor(session, loaded, layers, tables, batches, progress or (lambda _what, _share: None))
        survey = surveyor.survey()
        tensors, fingerprint = session.tensors, session.model_fingerprint
    owners = sorted({inputs.owner for inputs in survey.inputs.values()})
    _core.write_moments_file(
        output,
        fingerprint,
        {layers[o].name: (survey.inputs[o].second.float().numpy(), survey.inputs[o].tokens) for o in owners},
        {layers[name].name: layers[inputs.owner].name for name, inputs in survey.inputs.items()},
        {tensors[number].name: effect for number, effect in with_guesses(survey.effects, tensors).items()},
    )
    tokens = max(inputs.tokens for inputs in survey.inputs.values())
    return {"text": lines.name, "tokens": tokens, "layers": len(survey.inputs), "inputs": len(owners)}


@contextmanager
def _author_code() -> Iterator[None]:
    """Forwards run the author's code of the model, which may raise any exception: NoCalibration tells it."""
    try:
        yield
    except (NoCalibration, MemoryError, _core.BudgetError, _core.IoError):
        raise
    except Exception as error:
        raise NoCalibration(f"a forward of the model fails: {_one_line(error)}") from error


def _loaded_on(
    session: _core.CompressSession, folder: Path, text: CalibrationText
) -> tuple[nn.Module, Layers, Tables, list[Tensor]]:
    model = _loaded(folder)
    batches = token_batches(folder, model, text.lines)
    layers, tables = modules_of(session, model, folder)
    if not layers:
        raise NoCalibration("no selected linear layer is an nn.Linear or Conv1D of the model")
    return model, layers, tables, batches


def _walk_of(
    session: _core.CompressSession,
    folder: Path,
    text: CalibrationText,
    keeps_moments: bool,
    progress: Progress | None,
) -> Walk:
    model, layers, tables, batches = _loaded_on(session, folder, text)
    fitting, held_out = _split(batches)
    return Walk(session, model, layers, tables, fitting, held_out, text.name, keeps_moments, progress)


@contextmanager
def _core_threads() -> Iterator[None]:
    """torch uses as many threads as the core."""
    before = torch.get_num_threads()
    torch.set_num_threads(_core.num_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _loaded(folder: Path) -> nn.Module:
    """The model in float32, with its head if transformers knows it."""
    try:
        config = AutoConfig.from_pretrained(folder)
        names = getattr(config, "architectures", None) or []
        model_class = getattr(transformers, names[0], AutoModel) if names else AutoModel
        model: nn.Module = model_class.from_pretrained(folder, dtype=torch.float32).eval()
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {_one_line(error)}") from error
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def _split(batches: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The sequences to fit, and every 16th, which measures."""
    fitting = [batch[torch.arange(len(batch)) % HELD_OUT != HELD_OUT - 1] for batch in batches]
    held_out = [batch[HELD_OUT - 1 :: HELD_OUT] for batch in batches]
    return fitting, [batch for batch in held_out if len(batch)]


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
