# SPDX-License-Identifier: Apache-2.0
"""Entropy codes: the core and the second reader decode the same numbers, and what cannot decode them says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import numpy_reader
import pytest
import torch
from loewner import StoredMatrix
from loewner._structures import STRUCTURES
from safetensors.numpy import load_file, save_file

ROWS, COLS = 300, 24
TENSOR = "embeddings.word_embeddings.weight"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose entries have all sizes: of columns, of rows, and outliers that need the escape symbol."""
    rng = np.random.default_rng(3)
    table = rng.standard_t(2, (ROWS, COLS)) * 0.8 ** np.arange(COLS) * 2.0 ** rng.integers(-3, 4, (ROWS, 1))
    table[17] = 0
    folder = tmp_path_factory.mktemp("model")
    save_file({TENSOR: table.astype(np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return folder


def compressed(model: Path, folder: Path, bits: float) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    loewner.compress(
        model, folder, bits=bits, method="coded-svd", codes="entropy", row_weights="none", if_exists="overwrite"
    )
    spec = json.loads((folder / "config.json").read_text())["quantization_config"]["tensors"]
    prefix = TENSOR.removesuffix("weight")
    arrays = {
        name.removeprefix(prefix): array
        for name, array in load_file(folder / "model.safetensors").items()
        if name.startswith(prefix)
    }
    return spec[TENSOR], arrays


@pytest.mark.parametrize("bits", [3.0, 4.0, 12.0])
def test_the_second_reader_decodes_the_same_bits(model: Path, tmp_path: Path, bits: float) -> None:
    spec, arrays = compressed(model, tmp_path / "out", bits)
    assert (spec["structure"], spec["left"]["structure"]) == ("product", "entropy_codes")
    left = {name.removeprefix("left_"): array for name, array in arrays.items() if name.startswith("left_")}
    expected = numpy_reader.entropy_codes(spec["left"], left)
    coordinates = StoredMatrix(json.dumps(spec["left"]), left)
    assert np.array_equal(coordinates.decode(), expected)
    assert np.array_equal(coordinates.decode_rows([299, 8, 299, 0]), expected[[299, 8, 299, 0]])
    assert not expected[17].any()
    np.testing.assert_allclose(
        StoredMatrix(json.dumps(spec), arrays).decode(), numpy_reader.product(spec, arrays), rtol=1e-4, atol=1e-5
    )


# Negative control: the same bytes on the trellis have larger errors.
def test_entropy_codes_are_more_precise_in_the_same_bytes(model: Path, tmp_path: Path) -> None:
    def error(codes: str) -> float:
        report = loewner.compress(model, tmp_path / codes, bits=4, method="coded-svd", codes=codes)
        loewner.verify(tmp_path / codes, model)
        return report.tensors[0].weighted_relative_error

    assert error("entropy") < 0.9 * error("trellis")


def test_the_torch_module_knows_the_shapes_of_the_arrays(model: Path, tmp_path: Path) -> None:
    spec, arrays = compressed(model, tmp_path / "out", 3)
    module: Any = STRUCTURES["product"].module_class()
    assert module.array_shapes(spec) == {name: array.shape for name, array in arrays.items()}
    kinds = {name: torch.from_numpy(array).dtype for name, array in arrays.items()}
    assert kinds.items() <= module.fixed_arrays.items()


def test_a_word_that_codes_do_not_have_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="codes must be 'trellis' or 'entropy', got 'huffman'"):
        loewner.compress(model, tmp_path / "out", bits=2, codes="huffman")
    with pytest.raises(TypeError, match="codes must be 'trellis' or 'entropy'"):
        loewner.compress(model, tmp_path / "out", bits=2, codes=2.5)  # type: ignore[arg-type]


def test_onnx_names_the_way_out(model: Path, tmp_path: Path) -> None:
    spec, arrays = compressed(model, tmp_path / "out", 3)
    decoder = STRUCTURES["entropy_codes"].decoder_class()
    with pytest.raises(ValueError, match="compress the model again with --codes trellis"):
        decoder.to_stored(spec["left"], arrays)
    with pytest.raises(ValueError, match="ONNX has no operators for entropy codes"):
        loewner.compress(tmp_path / "model.onnx", tmp_path / "small.onnx", bits=2, codes="entropy")
