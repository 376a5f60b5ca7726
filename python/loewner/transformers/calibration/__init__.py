# SPDX-License-Identifier: Apache-2.0
"""Codes of linear layers for the inputs that they meet: the model is run on a calibration text.

sequences   the text as batches of tokens
effort      how many tokens give the sensitivities of tables
survey      moments and effects in the original model
models      the model, in memory or streamed from its files
choice      which survey and which walk, and how many tokens
matching    which module uses which tensor
experts     layers that the model stacks in one parameter
lockstep    forwards that stand still together at each layer
moments     second moments of a layer's inputs
moments_on_disk  those of the original model, until a moments file is written
targets     weights that correct for the errors of earlier layers
effects     how much an error of a layer changes the outputs of the model
sensitivities  how much an error of a table's row changes the outputs, channel by channel
walk        all of it in order, with a session of the core that plans and encodes
table_walk  the same for tables alone

For a model that does not fit into memory:

memory          what a calibration needs
stored_weights  parameters that are read when they are needed
streamed_model  a model of such parameters
lean_moments    moments of layers with many inputs
token_effects   effects, one block of the model at a time
large_survey    the survey
large_walk      the walk
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from loewner import _core
from loewner.transformers.calibration.choice import Calibration, surveyor_of, table_walk_of, walk_of
from loewner.transformers.calibration.memory import memory_limit
from loewner.transformers.calibration.models import one_line
from loewner.transformers.calibration.moments_on_disk import MomentsOnDisk
from loewner.transformers.calibration.sequences import CalibrationText, NoCalibration, token_counts
from loewner.transformers.calibration.survey import Progress, with_guesses
from loewner.transformers.calibration.table_walk import TableWalk
from loewner.transformers.calibration.walk import Walk
from loewner.transformers.torch_state import usual_torch_state

__all__ = ["CalibrationText", "NoCalibration", "compress_calibrated", "save_moments"]


@usual_torch_state()
def compress_calibrated(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    is_default: bool = False,
    progress: Progress | None = None,
    on_finish: Callable[[_core.CompressSession], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`_core.compress` with linear layers coded for the inputs that `text` gives them, and tables for what it makes of
    their channels; returns its report.

    text: a file with one text on each line; None is the text of the package and, for tables, random sequences.
    is_default: nobody asked for it, and it is left out where it takes much longer than the encoding. on_finish: is
    given the finished session.

    Raises NoCalibration, before anything is written, if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    counts = token_counts(folder, lines.lines) if lines.lines and (folder / "config.json").is_file() else []
    with (
        _core.CompressSession(folder, output, text=lines.fingerprint, token_counts=counts, **options) as session,
        _core_threads(),
    ):
        measured: dict[str, Any] = {"model": None, "tensors": None}
        walk: Walk | TableWalk | None = None
        try:
            if not session.complete:
                limit = memory_limit(int(options.get("max_memory") or 0))
                keeps_moments = bool(options.get("save_moments"))
                calibration = Calibration(session, folder, lines, limit, progress, keeps_moments)
                with _author_code():
                    is_of_tables = all(tensor.inputs is None for tensor in session.tensors)
                    walk = table_walk_of(calibration, is_default) if is_of_tables else walk_of(calibration)
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


@usual_torch_state()
def save_moments(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    max_memory: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the moments of the inputs of all linear layers of the original model; returns what a report says of them.

    A model that does not fit into memory is run on LARGE_TOKENS tokens, without the sensitivities of its tables.

    Raises NoCalibration if the model cannot be run on the text.
    """
    folder, lines = Path(model), CalibrationText.read(None if text is None else Path(text))
    options: dict[str, Any] = {"selection": _core.Selection.all, "keep": 0.5, "dry_run": True}
    with (
        _core.CompressSession(folder, "", **options) as session,
        _core_threads(),
        MomentsOnDisk.beside(Path(output)) as on_disk,
    ):
        with _author_code():
            calibration = Calibration(session, folder, lines, memory_limit(max_memory), progress)
            surveyor, layers = surveyor_of(calibration, on_disk)
            survey = surveyor.survey()
        tensors = session.tensors
        owners = sorted({inputs.owner for inputs in survey.inputs.values()})
        of_tables = {tensors[number].name: found for number, found in survey.sensitivities.items()}
        _core.write_moments_file(
            output,
            session.model_fingerprint,
            {layers[o].name: (on_disk[o], survey.inputs[o].tokens) for o in owners}
            | {name: (found.second.float().numpy(), found.tokens) for name, found in of_tables.items()},
            {layers[name].name: layers[inputs.owner].name for name, inputs in survey.inputs.items()}
            | {name: name for name in of_tables},
            {tensors[number].name: effect for number, effect in with_guesses(survey.effects, tensors).items()},
            token_counts(folder, lines.lines) if lines.lines else [],
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
        raise NoCalibration(f"a forward of the model fails: {one_line(error)}") from error


@contextmanager
def _core_threads() -> Iterator[None]:
    """torch uses as many threads as the core."""
    before = torch.get_num_threads()
    torch.set_num_threads(_core.num_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)
