# SPDX-License-Identifier: Apache-2.0
"""The model that is calibrated: in memory, or with parameters that are read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from loewner.transformers.calibration.large_walk import LARGE_TOKENS
from loewner.transformers.calibration.memory import Shapes, large_model_bytes, return_freed_blocks
from loewner.transformers.calibration.sequences import NoCalibration
from loewner.transformers.calibration.streamed_model import StreamedModel


def load(folder: Path) -> nn.Module:
    """The model in float32, with its head if transformers knows it."""
    try:
        config = AutoConfig.from_pretrained(folder)
        names = getattr(config, "architectures", None) or []
        model_class = getattr(transformers, names[0], AutoModel) if names else AutoModel
        with _quiet_transformers():
            model: nn.Module = model_class.from_pretrained(folder, dtype=torch.float32).eval()
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {one_line(error)}") from error
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its bars and remarks: stderr is for the progress of the whole run."""
    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def stream(folder: Path, limit: int, shapes: Shapes) -> StreamedModel:
    try:
        model = StreamedModel(folder)
    except NoCalibration:
        raise
    except Exception as error:  # transformers and remote code raise any exception
        raise NoCalibration(f"transformers does not load the model: {one_line(error)}") from error
    if (needed := bytes_of_streamed(model, shapes)) > limit:
        raise NoCalibration(f"it needs about {needed >> 20} MiB of memory, and the limit is {limit >> 20} MiB")
    return_freed_blocks()
    return model


def bytes_of_streamed(streamed: StreamedModel, shapes: Shapes) -> int:
    return large_model_bytes(shapes, streamed.resident_bytes(), LARGE_TOKENS)


def one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
