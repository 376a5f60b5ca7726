# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
import torch
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
