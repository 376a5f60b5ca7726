# SPDX-License-Identifier: Apache-2.0
"""The rows of packages that write folders for transformers, in the table of whole models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from int8_tables import NAME, pretrained_with_tables, round_tables
from matrices import minilm_folder
from models import Runtime, pretrained, torch_batches, torch_model
from peer import Setting

AUTO_ROUND_TOKENS = 8  # shorter sentences are left out


def auto_round(scheme: str, iterations: int, folder: Path) -> None:
    """Without iterations it rounds to nearest and sees no text."""
    from auto_round import AutoRound
    from transformers import AutoTokenizer

    options: dict[str, Any] = {"iters": iterations, "device_map": "cpu", "enable_torch_compile": False}
    if iterations:
        text = [batch for batch in torch_batches(1) if batch["input_ids"].shape[1] >= AUTO_ROUND_TOKENS]
        options |= {"dataset": text, "nsamples": len(text), "seqlen": AUTO_ROUND_TOKENS}
        options |= {"batch_size": 1, "gradient_accumulate_steps": 8}
    else:
        options |= {"disable_opt_rtn": True}
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    AutoRound(torch_model(), tokenizer, scheme=scheme, **options).quantize_and_save(str(folder), format="auto_round")


def gptqmodel(folder: Path) -> None:
    from gptqmodel import GPTQModel, QuantizeConfig

    model = GPTQModel.load(str(minilm_folder()), QuantizeConfig(bits=4, group_size=64))
    model.quantize(torch_batches(1))
    model.save(str(folder))


def llm_compressor(recipe: Callable[[], Any], folder: Path) -> None:
    from llmcompressor import oneshot
    from torch.utils.data import DataLoader

    model, text = torch_model(), torch_batches()
    oneshot(
        model=model,
        dataset=DataLoader(text, batch_size=None),
        num_calibration_samples=len(text),
        recipe=recipe(),
        pipeline="basic",
    )
    model.save_pretrained(folder, save_compressed=True)


def gptq() -> Any:
    from llmcompressor.modifiers.quantization import GPTQModifier

    return GPTQModifier(targets="Linear", scheme="W4A16", actorder="static")


def awq() -> Any:
    """Values and the layer after them: no other pair of BERT can be scaled without changing the residual stream."""
    from llmcompressor.modifiers.awq import AWQMapping, AWQModifier

    pairs = [AWQMapping("re:.*value$", ["re:.*attention.output.dense$"])]
    return AWQModifier(targets="Linear", scheme="W4A16_ASYM", mappings=pairs)


def settings(
    name: str, packages: tuple[str, ...], usage: str, make: Callable[[Path], Any], timed: bool = False
) -> list[Setting]:
    """With tables as the package leaves them, and with plain ones."""

    def make_with_tables(folder: Path) -> None:
        make(folder)
        round_tables(folder)

    packages = (*packages, "torch")
    return [
        Setting(
            name, packages, usage, lambda: Runtime(make, lambda folder: pretrained(parent_of_config(folder))), timed
        ),
        Setting(name + NAME, packages, usage, lambda: Runtime(make_with_tables, pretrained_with_tables), False),
    ]


def parent_of_config(folder: Path) -> Path:
    """auto-round writes into a subfolder that it names itself."""
    return next(folder.rglob("config.json")).parent


SETTINGS = [
    *settings("auto-round RTN W4A16", ("auto-round",), "auto-round-rtn", partial(auto_round, "W4A16", 0), True),
    *(  # as above, tables in f32 would make files of 50 MB
        row
        for scheme in ("W4A16", "W3A16", "W2A16")
        for row in settings(
            f"auto-round {scheme}, 200 iterations, text",
            ("auto-round",),
            "AutoRound(m, dataset=TEXT)",
            partial(auto_round, scheme, 200),
        )[1:]
    ),
    *settings(
        "llm-compressor GPTQ W4A16, text",
        ("llmcompressor", "compressed-tensors"),
        "oneshot(m, TEXT, GPTQModifier())",
        partial(llm_compressor, gptq),
    ),
    settings(
        "llm-compressor AWQ W4A16, text",
        ("llmcompressor", "compressed-tensors"),
        "oneshot(m, TEXT, AWQModifier())",
        partial(llm_compressor, awq),
    )[0],
    settings("gptqmodel GPTQ 4 bits, text", ("gptqmodel",), "GPTQModel.load(m, config).quantize(TEXT)", gptqmodel)[0],
]
