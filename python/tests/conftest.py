# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from command_runs import Command, commands_here, models_here
from loewner.reporting.data import Report
from loewner.reporting.gather import gather
from reported_models import model_and_output
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()  # type: ignore[no-untyped-call]
torch.set_num_threads(1)  # the models are tiny: more threads are slower


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and its encoded folder."""
    return model_and_output(tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def report(reported: tuple[Path, Path]) -> Report:
    """The report of the encoded folder, compared with the model."""
    return gather(reported[1], reported[0])


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs the words of a command in this process."""
    return commands_here(capfd)


@pytest.fixture
def one_process() -> Iterator[None]:
    with models_here():
        yield
