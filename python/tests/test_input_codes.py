# SPDX-License-Identifier: Apache-2.0
"""Structure input_codes: the core and the second reader decode the same bits, and torch modules multiply by them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy_reader
import pytest
import torch
from loewner import StoredMatrix
from loewner._core import encode_input_codes
from loewner.transformers.structures.input_codes import InputCodes

INPUTS, OUTPUTS = 24, 40


def stored(inputs: str, rotated: bool) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """A specification with arrays: rows of 0 to 8 bits, without a shared row."""
    rng = np.random.default_rng(1)
    bits = np.arange(INPUTS) % 9
    code_bytes = int(bits.sum()) * -(-OUTPUTS // 8)
    codes = {"structure": "codes", "rows": INPUTS, "cols": OUTPUTS, "rotation_seed": 7, "scale_exponent": -3}
    shape = (OUTPUTS, INPUTS) if inputs == "cols" else (INPUTS, OUTPUTS)
    spec: dict[str, Any] = {
        "structure": "input_codes",
        "rows": shape[0],
        "cols": shape[1],
        "inputs": inputs,
        "codes": {**codes, "code_bytes": code_bytes, "has_shared": False},
    }
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "codes_codes": rng.integers(0, 256, (code_bytes, 1)).astype(np.uint8),
        "codes_bits": (bits[::2] | bits[1::2] << 4).astype(np.uint8)[:, None],
        "codes_scales": rng.standard_normal((INPUTS, 1)).astype(np.float16),
    }
    return spec | ({"input_rotation_seed": 8} if rotated else {}), arrays


@pytest.mark.parametrize("rotated", [True, False])
@pytest.mark.parametrize("inputs", ["cols", "rows"])
def test_the_second_reader_decodes_the_same_bits(inputs: str, rotated: bool) -> None:
    spec, arrays = stored(inputs, rotated)
    matrix = StoredMatrix(json.dumps(spec), arrays)
    expected = numpy_reader.input_codes(spec, arrays)
    assert np.array_equal(matrix.decode(), expected)
    assert np.array_equal(matrix.decode_rows([3, 0, 3]), expected[[3, 0, 3]])
    x = np.random.default_rng(2).standard_normal((5, spec["cols"])).astype(np.float32)
    np.testing.assert_allclose(matrix.apply(x), x @ expected.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("inputs", ["cols", "rows"])
def test_the_torch_module_knows_the_shapes_of_the_arrays(inputs: str) -> None:
    spec, arrays = stored(inputs, True)
    assert InputCodes.array_shapes(spec) == {name: array.shape for name, array in arrays.items()}
    assert {name: torch.from_numpy(array).dtype for name, array in arrays.items()}.items() <= (
        InputCodes.fixed_arrays.items()
    )


def test_moments_lower_the_error_of_the_outputs() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, INPUTS)) @ np.diag(0.8 ** np.arange(INPUTS)) @ rng.standard_normal((INPUTS, INPUTS))
    second, w = x.T @ x / len(x), rng.standard_normal((OUTPUTS, INPUTS)).astype(np.float32)

    def error(what: np.ndarray[Any, Any]) -> float:
        return float(np.trace((w - what) @ second @ (w - what).T) / np.trace(w @ second @ w.T))

    budget = INPUTS * OUTPUTS // 4 + 3 * INPUTS
    decoded, size, bits, claimed = encode_input_codes(w, second, None, 0.0, budget, 5, "cols")
    blind = encode_input_codes(w, np.eye(INPUTS), None, 0.0, budget, 5, "cols")[0]
    assert size <= budget
    assert 1.5 < bits <= 2.2
    assert claimed == pytest.approx(error(decoded), rel=1e-6)
    assert error(decoded) < 0.5 * error(blind)
    with pytest.raises(ValueError, match="inputs must be 'cols' or 'rows'"):
        encode_input_codes(w, second, None, 0.0, budget, 5, "columns")
