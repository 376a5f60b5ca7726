# SPDX-License-Identifier: Apache-2.0
"""Codes of linear layers for the inputs that they meet: the model is run on a calibration text.

sequences   the text as batches of tokens
matching    which module uses which tensor
lockstep    forwards that stand still together at each layer
moments     second moments of a layer's inputs
targets     weights that correct for the errors of earlier layers
effects     how much an error of a layer changes the outputs of the model
walk        all of it in order, with a session of the core that plans and encodes

For a model that does not fit into memory:

memory          what a calibration needs
stored_weights  parameters that are read when they are needed
streamed_model  a model of such parameters
lean_moments    moments of layers with many inputs
token_effects   effects, one block of the model at a time
large_walk      the walk
"""

from __future__ import annotations

import hashlib
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
from loewner.transformers.calibration.batches import TOKENS_OF_BATCH
from loewner.transformers.calibration.large_walk import LARGE_TOKENS, LargeWalk
from loewner.transformers.calibration.matching import modules_of
from loewner.transformers.calibration.memory import (
    Shapes,
    large_model_bytes,
    memory_limit,
    shapes_of,
    whole_model_bytes,
    widest_drift,
)
from loewner.transformers.calibration.sequences import (
    MOST_TOKENS,
    MOST_TOKENS_OF_USER,
    NoCalibration,
    lines_of,
    package_text,
    token_batches,
)
from loewner.transformers.calibration.streamed_model import Recent, StreamedModel
from loewner.transformers.calibration.walk import Layer, Walk

__all__ = ["NoCalibration", "compress_calibrated", "text_fingerprint"]

HELD_OUT = 16  # every 16th sequence measures the result, and no layer is fitted to it


def compress_calibrated(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    text: str | os.PathLike[str] | None = None,
    progress: Callable[[str, float], None] | None = None,
    on_finish: Callable[[_core.CompressSession], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """`_core.compress` with linear layers coded for the inputs that `text` gives them; returns its report.

    text: a file with one text on each line; None is the text of the package. on_finish: is given the finished session.

    Raises NoCalibration, before anything is written, if the model cannot be run on the text.
    """
    folder = Path(model)
    with _core.CompressSession(folder, output, text=text_fingerprint(text), **options) as session, _core_threads():
        measured: dict[str, Any] = {"model": None, "tensors": None}
        try:
            limit = memory_limit(int(options.get("max_memory") or 0))
            walk = None if session.complete else _planned_walk(session, folder, text, limit, progress)
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


def text_fingerprint(text: str | os.PathLike[str] | None) -> str:
    """Hash of all lines that calibrate: a run is resumed only with the same ones."""
    lines = [*package_text(), *([] if text is None else lines_of(Path(text)))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _planned_walk(
    session: _core.CompressSession,
    folder: Path,
    text: str | os.PathLike[str] | None,
    limit: int,
    progress: Callable[[str, float], None] | None,
) -> Walk:
    walk = _walk_of(session, folder, None if text is None else lines_of(Path(text)), text, limit, progress)
    try:
        walk.plan()
    except (NoCalibration, MemoryError, _core.BudgetError, _core.IoError):
        raise
    except Exception as error:  # the author's code of the model may raise any exception
        raise NoCalibration(f"a forward of the model fails: {_one_line(error)}") from error
    return walk


def _walk_of(
    session: _core.CompressSession,
    folder: Path,
    lines: list[str] | None,
    text: str | os.PathLike[str] | None,
    limit: int,
    progress: Callable[[str, float], None] | None,
) -> Walk:
    name = "package" if text is None else Path(text).name
    shapes = shapes_of(session, folder)
    tokens = MOST_TOKENS if lines is None else MOST_TOKENS_OF_USER
    if whole_model_bytes(shapes, tokens, TOKENS_OF_BATCH) > limit:
        return _large_walk(session, folder, lines, name, limit, shapes, progress)
    model = _loaded(folder)
    fitting, held_out = _split(token_batches(folder, model, lines))
    layers, tables = _modules(session, model, folder)
    return Walk(session, model, layers, tables, fitting, held_out, name, progress)


def _large_walk(
    session: _core.CompressSession,
    folder: Path,
    lines: list[str] | None,
    name: str,
    limit: int,
    shapes: Shapes,
    progress: Callable[[str, float], None] | None,
) -> Walk:
    recent = Recent()
    try:
        streamed = StreamedModel(folder, recent)
    except NoCalibration:
        raise
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {_one_line(error)}") from error
    needed = large_model_bytes(shapes, streamed.resident_bytes(), LARGE_TOKENS)
    if needed > limit:
        raise NoCalibration(f"it needs about {needed >> 20} MiB of memory, and the limit is {limit >> 20} MiB")
    fitting, held_out = _split(token_batches(folder, streamed.model, lines, LARGE_TOKENS, LARGE_TOKENS // 4))
    layers, tables = _modules(session, streamed.model, folder)
    widest = widest_drift(shapes, limit - needed)
    return LargeWalk(
        streamed, recent, widest, session, streamed.model, layers, tables, fitting, held_out, name, progress
    )


def _modules(
    session: _core.CompressSession, model: nn.Module, folder: Path
) -> tuple[dict[str, Layer], dict[str, tuple[int, nn.Module]]]:
    layers, tables = modules_of(session, model, folder)
    if not layers:
        raise NoCalibration("no selected linear layer is an nn.Linear or Conv1D of the model")
    return layers, tables


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
