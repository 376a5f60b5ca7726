# SPDX-License-Identifier: Apache-2.0
"""Codes in bands, separate and joined: the core, the second reader and ONNX graphs decode the same numbers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy_reader
import pytest
import torch
from loewner import StoredMatrix
from loewner._encoded_folder import Encoded
from loewner._structures import STRUCTURES
from test_onnx_decoders import assert_decodes

ROWS, COLS = 40, 52
BAND_COLS, BAND_SIZES = [8, 24, 20], [2.5, 1.25, 0.4]
BAND_BITS = [[0, 0, 0], [1, 0, 0], [2, 0, 1], [3, 1, 0], [8, 4, 2]]  # with gaps, and not in order
FORMS = ("codes", "joined_codes")


def stored(structure: str, shared: bool = True) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """A specification with arrays: rows on all steps."""
    rng = np.random.default_rng(3)
    steps = np.arange(ROWS) % len(BAND_BITS) if shared else np.arange(ROWS) % (len(BAND_BITS) - 1) + 1
    row_bytes = (np.array(BAND_BITS) * -(-np.array(BAND_COLS) // 8)).sum(1)
    code_bytes = int(row_bytes[steps].sum())
    spec: dict[str, Any] = {
        "structure": structure,
        "rows": ROWS,
        "cols": COLS,
        "rotation_seed": 2**64 - 2,
        "scale_exponent": -20 if structure == "joined_codes" else -3,
        "code_bytes": code_bytes,
        "has_shared": shared,
        "band_cols": BAND_COLS,
        "band_sizes": BAND_SIZES,
        "band_bits": BAND_BITS,
    }
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "codes": rng.integers(0, 256, (code_bytes, 1)).astype(np.uint8),
        "bits": (steps[::2] | steps[1::2] << 4).astype(np.uint8)[:, None],
    }
    if shared:
        arrays["shared"] = rng.standard_normal((COLS, 1)).astype(np.float16)
    if structure == "joined_codes":
        arrays["log_scales"] = rng.integers(80, 240, (ROWS, 1)).astype(np.uint8)
        arrays["log_scales"][7] = 0
    else:
        arrays["scales"] = rng.standard_normal((ROWS, 1)).astype(np.float16)
    return spec, arrays


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("structure", FORMS)
def test_the_second_reader_decodes_the_same_bits(structure: str, shared: bool) -> None:
    spec, arrays = stored(structure, shared)
    matrix = StoredMatrix(json.dumps(spec), arrays)
    expected = numpy_reader.codes(spec, arrays)
    assert np.array_equal(matrix.decode(), expected)
    assert np.array_equal(matrix.decode_rows([39, 7, 39, 0]), expected[[39, 7, 39, 0]])


# Codes in bands of version 1.2, which newer versions do not write: their numbers never change.
def test_codes_of_version_1_2_decode_to_the_numbers_of_that_version() -> None:
    spec, arrays = stored("codes")
    decoded = StoredMatrix(json.dumps(spec), arrays).decode()
    assert hashlib.sha256(decoded.tobytes()).hexdigest()[:16] == "f4ec23eb4568457a"


# Negative control: a reader that begins a new path in each band, as codes do, gets other numbers.
def test_bands_of_joined_codes_continue_the_path_of_the_bands_before_them() -> None:
    spec, arrays = stored("joined_codes")
    joined = numpy_reader.codes(spec, arrays)
    halves = {**arrays, "scales": np.ones((ROWS, 1), np.float16)}
    separate = numpy_reader.codes({**spec, "structure": "codes", "scale_exponent": 0}, halves)
    row = 4  # has bits in all bands
    scale = np.linalg.norm(joined[row, :8]) / np.linalg.norm(separate[row, :8])
    np.testing.assert_allclose(joined[row, :8], scale * separate[row, :8], rtol=1e-4)
    for band in (slice(8, 32), slice(32, 52)):
        assert np.linalg.norm(joined[row, band] - scale * separate[row, band]) > 0.1 * np.linalg.norm(joined[row, band])


def test_a_scale_is_a_power_of_the_eighth_root_of_two() -> None:
    spec, arrays = stored("joined_codes")
    arrays["log_scales"][:] = np.arange(ROWS)[:, None] + 100
    norms = np.linalg.norm(numpy_reader.codes(spec, arrays)[::5].astype(np.float64), axis=1)  # multiples of one row
    np.testing.assert_allclose(norms[1:] / norms[:-1], 2 ** (5 / 8), rtol=1e-6)
    arrays["log_scales"][:] = 0
    assert not numpy_reader.codes(spec, arrays).any()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("structure", FORMS)
def test_onnxruntime_decodes_what_the_core_decodes(structure: str, shared: bool) -> None:
    assert_decodes(Encoded("table.weight", *stored(structure, shared)))


@pytest.mark.parametrize("structure", FORMS)
def test_the_torch_module_knows_the_shapes_of_the_arrays(structure: str) -> None:
    spec, arrays = stored(structure)
    module: Any = STRUCTURES[structure].module_class()
    assert module.array_shapes(spec) == {name: array.shape for name, array in arrays.items()}
    kinds = {name: torch.from_numpy(array).dtype for name, array in arrays.items()}
    assert kinds.items() <= module.fixed_arrays.items()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"band_cols": [9, 23, 20]}, "multiples of 8"),
        ({"band_bits": [[0, 0, 0]] * 17}, "at most 16 steps"),
        ({"band_cols": [8, 24, 12]}, "must add up to cols"),
        ({"code_bytes": 5}, "code_bytes"),
        ({"structure": "joint_codes"}, "is not known to this version"),
    ],
)
def test_wrong_specifications_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    spec, arrays = stored("joined_codes")
    with pytest.raises(OSError, match=message):
        StoredMatrix(json.dumps(spec | change), arrays)


def test_the_corpus_of_the_fuzzer_has_both_forms() -> None:
    folder = Path(__file__).parents[2] / "fuzz" / "corpus" / "encoded_matrix"
    found = {json.loads(file.read_bytes().split(b"\n")[0])["spec"]["structure"] for file in folder.iterdir()}
    assert set(FORMS) <= found
