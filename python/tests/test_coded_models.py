# SPDX-License-Identifier: Apache-2.0
"""Models stored as codes or integers, read by transformers and by a second implementation of the format."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import numpy_reader
import pytest
import torch
import transformers
from encoded_models import FAMILIES, dense_folder, outputs
from loewner.transformers import EncodedMatrix
from safetensors.numpy import load_file, save_file

CODED = {
    "codes": {"keep": 0.7},
    "coded-svd": {"keep": 0.3},
    "archetypes": {"keep": 0.4},
    "int8": {"keep": 0.9},
    "int4": {"keep": 0.9},
}
SELECTION = {"coded-svd": "embeddings"}  # for square layers the directions would take more bytes than the codes save
KEEP = {"svd": 0.8, "subspaces": 0.8, "dense": 0.9}


def compressed(family: str, folder: Path, method: Any, **options: Any) -> Path:
    amount = CODED.get(method) or {"keep": KEEP[method]}
    loewner.compress(dense_folder(family), folder, method=method, **{**amount, **options})
    return folder


def load(family: str, folder: Path, **options: Any) -> Any:
    model_class = getattr(transformers, FAMILIES[family][0])
    model: Any = loewner.load(folder, model_class=model_class, **options)
    return model.eval()


def expanded(family: str, folder: Path, out: Path) -> Any:
    loewner.expand(folder, out)
    return getattr(transformers, FAMILIES[family][0]).from_pretrained(out).eval()


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("method", CODED)
@pytest.mark.parametrize("family", ["bert_masked", "electra_masked", "gpt2_head", "llama_head", "t5"])
@pytest.mark.parametrize("memory", ["dense", "small"])
def test_outputs_equal_those_of_the_expanded_checkpoint(family: str, method: Any, memory: str, tmp_path: Path) -> None:
    selection = SELECTION.get(method, "all")
    folder = compressed(family, tmp_path / "small", method, selection=selection)
    expected = outputs(expanded(family, folder, tmp_path / "dense"))
    assert_close(outputs(load(family, folder, memory=memory)), expected)


def test_layers_are_decoded_once_or_take_the_memory_of_their_files(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes", selection="all")
    decoded, small = load("bert", folder), load("bert", folder, memory="small")
    coded = [name for name, module in small.named_modules() if isinstance(module, EncodedMatrix)]
    assert len(coded) > 5
    assert [n for n, m in decoded.named_modules() if isinstance(m, EncodedMatrix)] == ["embeddings.word_embeddings"]
    held = sum(p.numel() * p.element_size() for p in small.parameters())
    assert held < 0.7 * sum(p.numel() * p.element_size() for p in decoded.parameters())
    stored = sum(array.nbytes for array in load_file(folder / "model.safetensors").values())
    assert held == stored
    with pytest.raises(ValueError, match="memory must be 'auto', 'dense' or 'small'"):
        load("bert", folder, memory="large")
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        load("bert", folder, memory="dense")
    with pytest.warns(FutureWarning, match="'fast' is now called 'dense'"):
        former = load("bert", folder, memory="fast")
    assert torch.equal(outputs(former), outputs(decoded))
    assert [type(m) for m in former.modules()] == [type(m) for m in load("bert", folder, memory="dense").modules()]


@pytest.mark.parametrize("method", CODED)
def test_saving_and_loading_again_changes_nothing(method: Any, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method)
    model = load("bert_masked", folder, memory="small")
    model.save_pretrained(tmp_path / "again")
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "again" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert torch.equal(outputs(load("bert_masked", tmp_path / "again", memory="small")), outputs(model))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_gives_the_same_outputs(duplicate: Any, tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    expected = outputs(model)  # this creates the matrix of the core
    assert torch.equal(outputs(duplicate(model)), expected)


def test_gradients_pass_through_a_coded_layer(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "int8", selection="all")
    layer = load("bert", folder, memory="small").encoder.layer[0].intermediate.dense
    x = torch.randn(3, 32, requires_grad=True)
    layer(x).square().sum().backward()
    reference = torch.nn.functional.linear(x.detach().requires_grad_(), layer.decode(), layer.bias)
    gradient = 2 * reference.detach() @ layer.decode()
    torch.testing.assert_close(x.grad, gradient, rtol=1e-4, atol=1e-5)


def test_a_row_outside_the_matrix_is_an_index_error(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    with pytest.raises(IndexError, match="row 5000 is not in"):
        model.get_input_embeddings()(torch.tensor([5000]))


@pytest.mark.parametrize("method", [*CODED, *KEEP])
@pytest.mark.parametrize("family", ["bert", "electra_masked"])  # 32 and 24 columns
def test_a_second_reader_decodes_the_files_alone(family: str, method: Any, tmp_path: Path) -> None:
    folder = compressed(family, tmp_path / "small", method)
    loewner.expand(folder, tmp_path / "dense")
    dense = load_file(tmp_path / "dense" / "model.safetensors")
    for name, matrix in numpy_reader.decode_folder(folder).items():
        if method == "dense" or (method in CODED and method != "coded-svd"):
            assert np.array_equal(matrix, dense[name])  # to the last bit
        else:
            np.testing.assert_allclose(matrix, dense[name], rtol=1e-4, atol=1e-6)


def test_a_second_reader_decodes_rows_of_every_number_of_bits(tmp_path: Path) -> None:
    used: set[int] = set()
    for bits in (5, 6, 7, 8.5, 10, 11.5):  # specification and scales take about 4 of them
        folder, dense = tmp_path / f"{bits}", tmp_path / f"dense {bits}"
        loewner.compress(dense_folder("bert"), folder, method="codes", bits=bits)
        loewner.expand(folder, dense)
        expected = load_file(dense / "model.safetensors")
        for name, matrix in numpy_reader.decode_folder(folder).items():
            assert np.array_equal(matrix, expected[name])
        half_bytes = load_file(folder / "model.safetensors")["embeddings.word_embeddings.bits"]
        used |= set(np.unique(half_bytes & 15)) | set(np.unique(half_bytes >> 4))
    assert used == set(range(9))


@pytest.mark.parametrize(
    ("array", "change", "message"),
    [
        ("bits", lambda a: a | 0x99, "must have at most 8 bits"),
        ("scales", lambda a: np.full_like(a, np.inf), "must be finite"),
        ("codes", lambda a: a[:-1], "codes' must be"),
        ("bits", lambda a: a.astype(np.int8), "bits' must be"),
    ],
)
def test_broken_arrays_are_refused_by_name(array: str, change: Any, message: str, tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes")
    tensors = load_file(folder / "model.safetensors")
    name = f"embeddings.word_embeddings.{array}"
    tensors[name] = np.ascontiguousarray(change(tensors[name]))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(OSError, match=message):
        loewner.expand(folder, tmp_path / "dense")


def test_a_flipped_bit_of_the_codes_is_found_by_verify(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes")
    assert loewner.verify(folder, dense_folder("bert")).holds
    tensors = load_file(folder / "model.safetensors")
    tensors["embeddings.word_embeddings.codes"][100] ^= 1
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert not loewner.verify(folder, dense_folder("bert")).holds


@pytest.mark.parametrize(
    "changes",
    [
        {"scale_exponent": 1000},
        {"scale_exponent": "1"},
        {"code_bytes": 3},
        {"rows": 0},
        {"rotation_seed": -1},
        {"has_shared": 1},
        {"structure": "unheard_of"},
    ],
)
def test_a_broken_specification_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["tensors"]["embeddings.word_embeddings.weight"].update(changes)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(OSError, match="specification"):
        loewner.expand(folder, tmp_path / "dense")
