# SPDX-License-Identifier: Apache-2.0
"""Encoded models are looked up, trained, compiled, exported and moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as untyped_transformers
from compressed_models import AMOUNTS, IDS, compressed, load
from encoded_models import VOCABULARY, outputs
from loewner.transformers import quantizer
from torch.nn import functional

transformers: Any = untyped_transformers


@pytest.mark.parametrize("method", AMOUNTS)
def test_all_ids_that_torch_takes_are_looked_up(method: str, tmp_path: Path) -> None:
    table = load("bert", compressed("bert", tmp_path / "small", method)).get_input_embeddings()
    matrix = (table.weight + 0).detach()
    base = torch.arange(24).reshape(2, 3, 4)
    taken = [base.int(), base[:, :, 1], base.transpose(0, 2), base[:1, :1, :1].expand(3, 5, 1), torch.arange(20)[::2]]
    for ids in [*taken, torch.tensor(3), torch.empty(0, dtype=torch.long), torch.empty(2, 0, dtype=torch.long)]:
        torch.testing.assert_close(table(ids), functional.embedding(ids, matrix), rtol=1e-5, atol=1e-6)
    for ids in (torch.tensor([-1]), torch.tensor([VOCABULARY])):
        with pytest.raises(IndexError):
            table(ids)
    for ids in (base.float(), base.to(torch.uint8)):
        with pytest.raises(RuntimeError):
            table(ids)


@pytest.mark.parametrize("method", ["svd", "codes"])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, float("inf")])
def test_rows_are_shortened_to_the_largest_norm(method: str, norm_type: float, tmp_path: Path) -> None:
    table = load("bert", compressed("bert", tmp_path / "small", method)).get_input_embeddings()
    matrix = (table.weight + 0).detach()
    ids = torch.arange(VOCABULARY)
    table.max_norm = float(torch.linalg.vector_norm(matrix, norm_type, dim=1).median())
    table.norm_type = norm_type
    expected = functional.embedding(ids, matrix.clone(), max_norm=table.max_norm, norm_type=norm_type)
    assert not torch.equal(expected, matrix)
    torch.testing.assert_close(table(ids), expected, rtol=1e-5, atol=1e-6)


def test_products_with_no_rows_are_empty(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes", selection="all")
    layer = load("bert", folder, memory="small").encoder.layer[0].intermediate.dense
    assert layer(torch.empty(2, 0, 32)).shape == (2, 0, 48)
    assert layer(torch.ones(32)).shape == (48,)


@pytest.mark.parametrize("method", ["svd", "codes"])
def test_trainer_trains_all_but_codes(method: str, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", method))
    model.requires_grad_(True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    options = transformers.TrainingArguments(
        str(tmp_path / "run"), max_steps=2, report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True
    )
    data = [{"input_ids": IDS[0], "labels": IDS[0]}] * 8
    transformers.Trainer(model, options, train_dataset=data).train()
    changed = {
        name.rpartition(".")[2] for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert "weight" in changed
    assert {"left", "right"} <= changed if method == "svd" else not {"codes", "scales", "bits"} & changed


def test_trainer_is_told_what_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(quantizer.logger, "warning_once", said.append)
    for method, warnings in (("svd", 0), ("codes", 1)):
        model = load("bert_masked", compressed("bert_masked", tmp_path / method, method))
        assert model.hf_quantizer.is_qat_trainable
        assert len(said) == warnings
    assert "Codes are not trained." in said[0]
    assert "Gradients pass through coded layers to their inputs, so adapters train." in said[0]


@pytest.mark.parametrize(("method", "memory"), [("codes", "dense"), ("codes", "small"), ("subspaces", "small")])
def test_models_are_compiled_and_exported(method: str, memory: str, tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", method, selection="all"), memory=memory)
    expected = model(IDS).logits
    compiled: Any = torch.compile(model, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(IDS).logits, expected)
    exported: Any = torch.export.export(model, (IDS,)).module()
    torch.testing.assert_close(exported(IDS + 5).logits, model(IDS + 5).logits)
    traced = torch.jit.trace(model, (IDS,), strict=False, check_trace=False)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(traced(IDS + 5)["logits"], model(IDS + 5).logits)


@pytest.mark.parametrize("method", ["svd", "codes"])
def test_arrays_move_to_the_meta_device_and_to_disk(method: str, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method, selection="all")
    model = load("bert_masked", folder, memory="small")
    moved = load("bert_masked", folder, memory="small").to("meta").to_empty(device="cpu")
    moved.load_state_dict(model.state_dict())
    moved, table = (m.get_input_embeddings() for m in (moved, model))
    assert torch.equal(moved(IDS), table(IDS))
    accelerate = pytest.importorskip("accelerate")
    other = load("bert_masked", folder, memory="small")
    offloaded = accelerate.disk_offload(other, tmp_path / "offloaded")
    assert torch.equal(outputs(offloaded), outputs(model))


@pytest.mark.parametrize("method", ["svd", "codes"])
@pytest.mark.parametrize("tied", ["cpu", "disk"])  # transformers keeps tied parameters in one place
def test_a_device_map_puts_tied_tables_and_layers_on_disk(method: str, tied: str, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    folder = compressed("bert_masked", tmp_path / "small", method, selection="all")
    places = {"bert.embeddings": tied, "bert.encoder": "disk", "cls": tied}
    for memory in ("small", "dense"):
        expected = outputs(load("bert_masked", folder, memory=memory))
        options = {"device_map": places, "offload_folder": tmp_path / memory}
        torch.testing.assert_close(outputs(load("bert_masked", folder, memory=memory, **options)), expected)


def test_fixed_types_of_arrays_survive_conversions(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    before = (model.get_input_embeddings().weight + 0).float()
    torch.nn.Module.to(model, torch.bfloat16)
    assert model.get_input_embeddings().scales.dtype is torch.float16
    assert torch.equal((model.get_input_embeddings().weight + 0), before.to(torch.bfloat16))
