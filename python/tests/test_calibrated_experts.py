# SPDX-License-Identifier: Apache-2.0
"""Calibration of experts: each is coded for the tokens that are routed to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import loewner
import pytest
import torch
from calibrated_models import weights_of, write_text
from encoded_models import VOCABULARY
from loewner.transformers import calibration
from loewner.transformers.calibration import compress_calibrated, effects
from loewner.transformers.calibration.lockstep import Forward, Lockstep
from loewner.transformers.calibration.matching import modules_of
from loewner.transformers.calibration.moments import robust
from loewner.transformers.calibration.survey import Inputs, Survey, moments_of_blocks
from safetensors.torch import load_file
from tokenized_models import save_tokenizer
from torch import nn
from transformers import AutoModelForCausalLM, MixtralConfig, MixtralForCausalLM

OPTIONS: dict[str, Any] = {"selection": loewner.Selection.linear, "keep": 0.2}
EXPERTS, BLOCKS = 4, 2


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experts") / "model"
    torch.manual_seed(0)
    config = MixtralConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=BLOCKS,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_local_experts=EXPERTS,
        num_experts_per_tok=2,
        max_position_embeddings=64,
    )
    model = MixtralForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() >= 2:
            parameter.data.mul_(8)
    model.save_pretrained(folder)
    return save_tokenizer(folder)


def layers_of(folder: Path) -> tuple[nn.Module, dict[str, nn.Module], dict[str, str]]:
    """The model, its layers of experts, and the names of their tensors."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with loewner._core.CompressSession(folder, "", selection=loewner.Selection.linear, keep=0.5, dry_run=True) as s:
        layers = {name: layer for name, layer in modules_of(s, model, folder)[0].items() if layer.is_expert}
    return model, {n: layer.module for n, layer in layers.items()}, {n: layer.name for n, layer in layers.items()}


def test_experts_are_layers_and_the_outputs_stay(mixture: Path) -> None:
    before = AutoModelForCausalLM.from_pretrained(mixture, dtype=torch.float32)
    model, layers, tensors = layers_of(mixture)
    stored = load_file(mixture / "model.safetensors")
    assert len(layers) == BLOCKS * EXPERTS * 3
    assert all(torch.equal(stored[tensors[name]], layer.weight) for name, layer in layers.items())  # type: ignore[arg-type]
    ids = torch.randint(50, (5, 12), generator=torch.Generator().manual_seed(0))
    forwards = [Forward({"input_ids": ids}, coded) for coded in (False, True)]
    name = next(name for name in layers if "down_proj.1." in name)
    with Lockstep(model, layers, forwards, {}) as lockstep:
        seen = []
        for stop in lockstep.stops():
            seen.append(stop.layer)
            lockstep.coded[name] = torch.zeros_like(layers[name].weight)  # type: ignore[arg-type]
    assert seen == list(layers)
    with torch.no_grad():
        torch.testing.assert_close(forwards[0].outputs.logits, before(ids).logits, rtol=1e-4, atol=1e-4)
    assert (forwards[0].outputs.logits - forwards[1].outputs.logits).abs().max() > 1e-2


def test_experts_are_coded_for_their_tokens(mixture: Path, tmp_path: Path) -> None:
    text, saved = write_text(tmp_path / "text.txt"), tmp_path / "moments"
    report = compress_calibrated(mixture, tmp_path / "out", text=text, save_moments=saved, **OPTIONS)
    loewner._core.compress(mixture, tmp_path / "blind", **OPTIONS)
    loewner._core.compress(mixture, tmp_path / "again", moments=saved, **OPTIONS)
    tokens = {t["name"]: t["calibration"]["tokens"] for t in report["tensors"] if "experts." in t["name"]}
    assert len(tokens) == BLOCKS * EXPERTS * 3
    assert len(set(tokens.values())) > EXPERTS
    assert weights_of(tmp_path / "again") == weights_of(tmp_path / "out")
    assert loewner.verify(tmp_path / "out", mixture).holds
    assert change(mixture, tmp_path / "out") < 0.7 * change(mixture, tmp_path / "blind")


def change(model: Path, output: Path) -> float:
    ids = torch.randint(50, (40, 12), generator=torch.Generator().manual_seed(0))
    models = [AutoModelForCausalLM.from_pretrained(folder) for folder in (model, output)]
    with torch.no_grad():
        before, after = (effects.output_rows(m(ids)) for m in models)
    return float(effects.divergence(before, after, False).mean())


def test_few_tokens_leave_the_moments_of_an_expert_near_those_of_its_block() -> None:
    own, others = torch.eye(100, dtype=torch.float64), torch.ones(100, 100, dtype=torch.float64)
    torch.testing.assert_close(robust(own, 1, others), others / 1.01 + own * (1 - 1 / 1.01), rtol=1e-9, atol=1e-3)
    torch.testing.assert_close(robust(own, 100, others), (own + others) / 2)
    assert robust(own, 400, others) is own


def test_moments_of_a_block_are_means_over_all_tokens_of_its_experts() -> None:
    def layer(block: str | None) -> calibration.survey.Layer:
        return calibration.survey.Layer(0, "", nn.Linear(2, 2), "cols", is_expert=True, block=block)

    eye = torch.eye(2, dtype=torch.float64)
    survey = Survey(inputs={"a": Inputs(eye, 30, "a"), "b": Inputs(5 * eye, 10, "b"), "c": Inputs(9 * eye, 10, "c")})
    shared = moments_of_blocks(survey, {"a": layer("x"), "b": layer("x"), "c": layer(None), "d": layer("x")})
    assert list(shared) == ["x"] and torch.equal(shared["x"], 2 * eye)
