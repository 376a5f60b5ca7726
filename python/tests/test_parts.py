# SPDX-License-Identifier: Apache-2.0
"""Tables that a model has twice, and parts of a model that are loaded by their own class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import torch
import transformers as untyped_transformers
from compressed_models import IDS
from encoded_models import VOCABULARY, dense_folder
from loewner._loading import held_in
from safetensors.torch import load_file, save_file

transformers: Any = untyped_transformers


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
        with held_in("dense"):  # products in bytes round the inputs
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
