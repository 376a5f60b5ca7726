# SPDX-License-Identifier: Apache-2.0
"""`loewner inspect --curves`: error against rank, compared with LAPACK."""

import json
from pathlib import Path

import fault_tools as ft
import numpy as np
import pytest
from encoded_models import dense_folder
from safetensors.numpy import load_file


def test_curves_are_those_of_the_singular_values(tmp_path: Path) -> None:
    folder = dense_folder("bert")
    done = ft.run("inspect", folder, "--curves", "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    curves = json.loads((tmp_path / "report.json").read_text())["curves"]
    tensors = load_file(folder / "model.safetensors")
    assert len(curves) > 5
    for curve in curves:
        values = np.linalg.svd(tensors[curve["name"]].astype(np.float64), compute_uv=False)
        tails = np.sqrt(np.append(np.cumsum(values[::-1] ** 2)[::-1], 0) / np.sum(values**2))
        # The squared errors, not the errors, are accurate to the digits of float32.
        np.testing.assert_allclose(np.square(curve["relative_error"]), tails**2, atol=1e-6)
        line = next(line for line in done.stdout.split("rank at which")[1].splitlines() if curve["name"] in line)
        assert str(int(np.argmax(tails <= 0.5))) in line.split()


def test_the_position_of_a_value_that_is_not_finite_is_named(tmp_path: Path) -> None:
    arrays = ft.tensors()
    arrays[ft.TABLE][7, 3] = np.nan
    model = ft.write_model(tmp_path / "model", arrays)
    done = ft.run("inspect", model, "--curves", "--quiet")
    assert done.returncode == 3
    assert f"tensor '{ft.TABLE}'" in done.stderr and "row 7, column 3" in done.stderr


@pytest.mark.parametrize("curves", [False, True])
def test_curves_are_in_the_report_on_request_only(curves: bool, tmp_path: Path) -> None:
    model = ft.write_model(tmp_path / "model", ft.tensors())
    ft.run("inspect", model, *(["--curves"] if curves else []), "--json", tmp_path / "report.json")
    assert ("curves" in json.loads((tmp_path / "report.json").read_text())) == curves
