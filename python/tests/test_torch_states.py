# SPDX-License-Identifier: Apache-2.0
"""Results do not depend on the state of torch in which a user calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
from calibrated_models import bert_folder, weights_of, write_text
from loewner.transformers.refit import refit
from tokenized_models import text

Work = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a text, and the model in two factors."""
    folder = tmp_path_factory.mktemp("states")
    bert_folder(folder / "model")
    write_text(folder / "text")
    loewner.compress(folder / "model", folder / "factors", selection="all", method="svd", keep=0.6, text="none")
    return folder


def compress(inputs: Path, output: Path) -> None:
    loewner.compress(inputs / "model", output, text=inputs / "text", selection="all", budget=58000)


def calibrate(inputs: Path, output: Path) -> None:
    output.mkdir()
    loewner.calibrate(inputs / "model", output / "moments.safetensors", text=inputs / "text", activations=True)


def export(inputs: Path, output: Path) -> None:
    loewner.export(inputs / "model", output)


def fit(inputs: Path, output: Path) -> None:
    refit(inputs / "factors", inputs / "model", output, text(50), rows=64)


def written(folder: Path) -> bytes:
    return weights_of(folder) + b"".join(path.read_bytes() for path in sorted(folder.rglob("*.onnx")))


STATES: list[Callable[[], Any]] = [
    torch.inference_mode,
    torch.no_grad,
    lambda: torch.autocast("cpu", torch.bfloat16),
]


@pytest.fixture(scope="module")
def usual(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Work], bytes]:
    @cache
    def of(work: Work) -> bytes:
        output = tmp_path_factory.mktemp("usual") / "output"
        work(inputs, output)
        return written(output)

    return of


@pytest.mark.parametrize("state", STATES, ids=["inference", "no_grad", "autocast"])
def test_a_calibration_inside_of_a_state_gives_the_same_bytes(
    inputs: Path, usual: Callable[[Work], bytes], tmp_path: Path, state: Callable[[], Any]
) -> None:
    with state():
        before = (torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))
        compress(inputs, tmp_path / "output")
        after = (torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"))
    assert before == after != (False, True, False)
    assert written(tmp_path / "output") == usual(compress) != b""


@pytest.mark.parametrize("work", [calibrate, export, fit])
def test_other_work_inside_of_all_states_gives_the_same_bytes(
    inputs: Path, usual: Callable[[Work], bytes], tmp_path: Path, work: Work
) -> None:
    with ExitStack() as states:
        for state in STATES:
            states.enter_context(state())
        work(inputs, tmp_path / "output")
    assert written(tmp_path / "output") == usual(work) != b""
