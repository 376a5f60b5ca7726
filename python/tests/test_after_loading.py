# SPDX-License-Identifier: Apache-2.0
"""What programs do with an encoded model after loading it: write, resize, merge, save, copy, train, compile."""

from __future__ import annotations

import copy
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
import transformers as untyped_transformers
from encoded_models import FAMILIES, VOCABULARY, dense_folder, outputs
from loewner.transformers import EncodedMatrix
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

transformers: Any = untyped_transformers

IDS = torch.arange(3, 19).reshape(2, 8)
AMOUNTS = {"svd": 0.6, "subspaces": 0.8, "codes": 0.5, "int8": 0.9, "archetypes": 0.4}


def compressed(family: str, folder: Path, method: Any, **options: Any) -> Path:
    loewner.compress(dense_folder(family), folder, method=method, keep=AMOUNTS[method], **options)
    return folder


def load(family: str, folder: Path, **options: Any) -> Any:
    model: Any = loewner.load(folder, model_class=getattr(transformers, FAMILIES[family][0]), **options)
    return model.eval()


def weight_bytes(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


def set_rows(weight: Tensor) -> None:
    weight[5] = 1


def set_data(weight: Tensor) -> None:
    weight.data = torch.ones(VOCABULARY, 32)


def set_rows_of_data(weight: Tensor) -> None:
    weight.data[5] = 1


def add_to_data(weight: Tensor) -> None:
    weight.data += 1


WRITES: dict[str, Callable[[Tensor], Any]] = {
    "rows": set_rows,
    "data": set_data,
    "rows of data": set_rows_of_data,
    "sum of data": add_to_data,
    "copy": lambda weight: weight.copy_(torch.ones(VOCABULARY, 32)),
    "copy into data": lambda weight: weight.data.copy_(torch.ones(VOCABULARY, 32)),
    "copy into detached": lambda weight: weight.detach().copy_(torch.ones(VOCABULARY, 32)),
    "filled rows": lambda weight: weight.index_fill_(0, torch.tensor([5]), 1.0),
    "initialization": torch.nn.init.ones_,
    "output of a sum": lambda weight: torch.add(weight, 1, out=weight),
    "many tensors": lambda weight: torch._foreach_add_([weight], 1.0),
}


@pytest.mark.parametrize("method", ["svd", "codes"])
@torch.no_grad()
def test_a_write_takes_effect_in_all_tied_layers(method: str, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method)
    for name, write in WRITES.items():
        model = load("bert_masked", folder)
        weight = model.get_input_embeddings().weight
        expected = (weight + 0).detach().clone()
        write(expected)
        write(weight)
        assert type(model.get_input_embeddings()) is torch.nn.Embedding, name
        assert torch.equal(model.get_input_embeddings().weight, expected), name
        assert torch.equal(weight + 0, expected), name
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight, name
        model.tie_weights()
        outputs(model)


@torch.no_grad()
def test_a_write_to_a_view_of_a_decoded_matrix_raises(tmp_path: Path) -> None:
    weight = load("bert", compressed("bert", tmp_path / "small", "codes")).get_input_embeddings().weight
    views: list[Callable[[], Tensor]] = [
        lambda: weight[5],
        lambda: weight.T,
        lambda: weight.data[2:4],
        lambda: weight.view(-1),
    ]
    for view in views:
        with pytest.raises(RuntimeError, match="view of an encoded weight"):
            view().zero_()
    with pytest.raises(ValueError, match="read-only"):
        weight.numpy()[0] = 1
    (weight * 2)[5] = 0  # memory of its own
    assert weight.to(torch.float32) is weight


def test_a_new_weight_makes_the_layer_dense(tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "svd"))
    before = model.get_output_embeddings().weight + 0
    model.get_input_embeddings().weight = torch.nn.Parameter(torch.ones(VOCABULARY, 32))
    assert torch.equal(model.get_input_embeddings()(IDS), torch.ones(2, 8, 32))
    assert torch.equal(model.get_output_embeddings().weight + 0, before)


def test_a_dense_state_is_loaded(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    state = load_file(dense_folder("bert") / "model.safetensors")
    model.load_state_dict(state)
    assert torch.equal(model.get_input_embeddings().weight, state["embeddings.word_embeddings.weight"])


@pytest.mark.parametrize("family", ["bert", "bert_masked", "t5"])
@pytest.mark.parametrize("method", ["svd", "subspaces", "codes"])
@pytest.mark.parametrize("tokens", [VOCABULARY + 8, VOCABULARY - 5])
def test_tables_are_resized(family: str, method: str, tokens: int, tmp_path: Path) -> None:
    model = load(family, compressed(family, tmp_path / "small", method))
    before = (model.get_input_embeddings().weight + 0).detach()
    model.resize_token_embeddings(tokens)
    common = min(tokens, VOCABULARY)
    assert torch.equal(model.get_input_embeddings().weight[:common], before[:common])
    assert model.get_input_embeddings()(torch.tensor([tokens - 1])).shape == (1, 32)
    model.save_pretrained(tmp_path / "saved")
    again = load(family, tmp_path / "saved")
    ids = IDS % common
    options = {"decoder_input_ids": ids} if family == "t5" else {}
    with torch.no_grad():
        assert torch.equal(model(ids, **options)[0], again(ids, **options)[0])


def test_tied_weights_have_one_address(tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "codes"))
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    assert table.weight.data_ptr() == head.weight.data_ptr() == table.weight.data_ptr()
    other = model.bert.encoder.layer[0].attention.self.query
    assert table.weight.data_ptr() != other.weight.data_ptr()


@pytest.mark.parametrize("method", ["svd", "subspaces", "codes"])
@pytest.mark.parametrize("memory", ["dense", "small"])
def test_merged_adapters_give_the_adapted_model(method: str, memory: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", method, selection="all"), memory=memory)
    config = peft.LoraConfig(r=4, target_modules=["query", "value"], init_lora_weights=False)
    adapted = peft.get_peft_model(model, config)
    expected = outputs(adapted)
    merged = adapted.merge_and_unload()
    torch.testing.assert_close(outputs(merged), expected, rtol=1e-4, atol=1e-4)
    merged.save_pretrained(tmp_path / "merged")
    assert torch.equal(outputs(load("bert_masked", tmp_path / "merged", memory=memory)), outputs(merged))


@pytest.mark.parametrize("method", ["codes", "int8"])
def test_layers_decoded_while_loading_are_saved_encoded(method: str, tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", method, selection="all")
    model = load("bert_masked", folder)
    layer = model.bert.encoder.layer[0].attention.self.query
    assert not isinstance(layer, EncodedMatrix)
    model.save_pretrained(tmp_path / "saved")
    assert load_file(folder / "model.safetensors").keys() == load_file(tmp_path / "saved" / "model.safetensors").keys()
    assert weight_bytes(tmp_path / "saved") <= weight_bytes(folder)
    assert torch.equal(outputs(load("bert_masked", tmp_path / "saved")), outputs(model))
    loewner.expand(tmp_path / "saved", tmp_path / "dense")
    with torch.no_grad():
        layer.weight.data[0] = 1
    model.save_pretrained(tmp_path / "changed")
    assert "bert.encoder.layer.0.attention.self.query.weight" in load_file(tmp_path / "changed" / "model.safetensors")
    assert torch.equal(outputs(load("bert_masked", tmp_path / "changed")), outputs(model))


def test_empty_arrays_are_saved(tmp_path: Path) -> None:
    folder = compressed("bert_masked", tmp_path / "small", "codes", selection="all")
    model = load("bert_masked", folder, memory="small")
    for _, module in model.named_modules():
        if isinstance(module, EncodedMatrix):
            module.spec["code_bytes"] = 0
            module.codes = torch.nn.Parameter(torch.empty(0, 1, dtype=torch.uint8), requires_grad=False)
    model.save_pretrained(tmp_path / "saved")
    saved, stored = (load_file(f / "model.safetensors") for f in (tmp_path / "saved", folder))
    assert saved.keys() == stored.keys()


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


def test_products_with_no_rows_are_empty(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "codes", selection="all")
    layer = load("bert", folder, memory="small").encoder.layer[0].intermediate.dense
    assert layer(torch.empty(2, 0, 32)).shape == (2, 0, 48)
    assert layer(torch.ones(32)).shape == (48,)


def through_torch_save(model: Any) -> Any:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("memory", ["dense", "small"])
def test_a_used_model_can_be_copied(memory: str, tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "codes", selection="all"), memory=memory)
    expected = outputs(model)
    duplicates: list[Callable[[Any], Any]] = [
        copy.deepcopy,
        lambda value: pickle.loads(pickle.dumps(value)),
        through_torch_save,
    ]
    for duplicate in duplicates:
        other = duplicate(model)
        assert torch.equal(outputs(other), expected)
        other.resize_token_embeddings(VOCABULARY + 1)  # the copy knows its ties
        assert other.get_output_embeddings().weight is other.get_input_embeddings().weight


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


@pytest.mark.parametrize("memory", ["dense", "small"])
def test_coded_models_are_compiled_and_exported(memory: str, tmp_path: Path) -> None:
    model = load("bert_masked", compressed("bert_masked", tmp_path / "small", "codes", selection="all"), memory=memory)
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
    places = {"bert.embeddings": "cpu", "bert.encoder": "disk", "cls": "cpu"}
    for memory in ("small", "dense"):
        options = {"device_map": places, "offload_folder": tmp_path / memory}
        placed = load("bert_masked", folder, memory=memory, **options)
        torch.testing.assert_close(outputs(placed), outputs(model))


def test_fixed_types_of_arrays_survive_conversions(tmp_path: Path) -> None:
    model = load("bert", compressed("bert", tmp_path / "small", "codes"))
    before = (model.get_input_embeddings().weight + 0).float()
    torch.nn.Module.to(model, torch.bfloat16)
    assert model.get_input_embeddings().scales.dtype is torch.float16
    assert torch.equal((model.get_input_embeddings().weight + 0), before.to(torch.bfloat16))


def clip_folder(folder: Path) -> Path:
    text = dict(vocab_size=VOCABULARY, eos_token_id=5, bos_token_id=1, pad_token_id=0, projection_dim=24)
    sizes = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
    vision = dict(image_size=16, patch_size=8, projection_dim=24)
    torch.manual_seed(3)
    config = transformers.CLIPConfig(
        text_config={**text, **sizes}, vision_config={**vision, **sizes}, projection_dim=24
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


PARTS = ["CLIPTextModel", "CLIPTextModelWithProjection", "CLIPVisionModel", "CLIPVisionModelWithProjection"]


def test_a_part_is_loaded_by_its_own_class(tmp_path: Path) -> None:
    loewner.compress(clip_folder(tmp_path / "clip"), tmp_path / "small", keep=0.9, method="int8", selection="all")
    loewner.expand(tmp_path / "small", tmp_path / "dense")
    for name in PARTS:
        model_class = getattr(transformers, name)
        inputs = {"input_ids": IDS} if "Text" in name else {"pixel_values": torch.ones(1, 3, 16, 16)}
        model, info = model_class.from_pretrained(tmp_path / "small", output_loading_info=True)
        with torch.no_grad():
            expected = model_class.from_pretrained(tmp_path / "dense").eval()(**inputs)[0]
            torch.testing.assert_close(model.eval()(**inputs)[0], expected, rtol=1e-4, atol=1e-4)
        assert not info["missing_keys"], name
    config = transformers.CLIPConfig.from_pretrained(tmp_path / "small")
    assert "quantization_config" not in config.text_config.to_dict()
    part = transformers.CLIPTextModel.from_pretrained(
        pretrained_model_name_or_path=tmp_path / "small", config=config.text_config
    ).eval()
    whole = transformers.CLIPModel.from_pretrained(tmp_path / "small").eval()
    with torch.no_grad():
        assert torch.equal(part(IDS)[0], whole.text_model(IDS)[0])
    part.save_pretrained(tmp_path / "part")
    again = transformers.CLIPTextModel.from_pretrained(tmp_path / "part").eval()
    with torch.no_grad():
        assert torch.equal(again(IDS)[0], part(IDS)[0])


def test_equal_tables_that_no_class_ties_come_back_in_both_places(tmp_path: Path) -> None:
    bert = dense_folder("bert")
    torch.manual_seed(5)
    model = transformers.EncoderDecoderModel.from_encoder_decoder_pretrained(bert, bert)
    model.config.decoder_start_token_id, model.config.pad_token_id = 1, 0
    model.save_pretrained(tmp_path / "model")
    loewner.compress(tmp_path / "model", tmp_path / "small", keep=0.9, method="int8")
    loewner.expand(tmp_path / "small", tmp_path / "dense")
    for folder in ("small", "dense"):
        again, info = transformers.EncoderDecoderModel.from_pretrained(tmp_path / folder, output_loading_info=True)
        assert not info["missing_keys"]
        for part, source in ((again.encoder, model.encoder), (again.decoder, model.decoder)):
            expected = source.get_input_embeddings().weight
            torch.testing.assert_close(part.get_input_embeddings().weight + 0, expected, rtol=0, atol=1e-3)


def test_a_copy_that_the_class_does_not_tie_is_loaded_into_both_modules(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    torch.manual_seed(6)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=48
    )
    config.tie_word_embeddings = True
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    state = load_file(folder / "model.safetensors")
    state["lm_head.weight"] = state["model.embed_tokens.weight"].clone()
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    loewner.compress(folder, tmp_path / "small", keep=0.9, method="int8")
    stated = json.loads((tmp_path / "small" / "config.json").read_text())
    stated["tie_word_embeddings"] = False  # as a class that does not tie them
    (tmp_path / "small" / "config.json").write_text(json.dumps(stated))
    model, info = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "small", output_loading_info=True)
    assert not info["missing_keys"]
    assert torch.equal(model.lm_head.weight + 0, model.model.embed_tokens.weight + 0)
    model.save_pretrained(tmp_path / "saved")
    again = transformers.LlamaForCausalLM.from_pretrained(tmp_path / "saved")
    assert torch.equal(again.lm_head.weight + 0, model.lm_head.weight + 0)


def test_a_silent_configuration_keeps_the_type_of_the_model(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    transformers.BertModel.from_pretrained(dense_folder("bert")).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config.pop("dtype")
    (folder / "config.json").write_text(json.dumps(config))
    state = load_file(folder / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    save_file({**state, name: state[name].half()}, folder / "model.safetensors", {"format": "pt"})
    loewner.compress(folder, tmp_path / "small", keep=0.9, method="int8")
    dtypes = [transformers.AutoModel.from_pretrained(f).dtype for f in (folder, tmp_path / "small")]
    assert dtypes[0] == dtypes[1]
