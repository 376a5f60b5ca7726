# SPDX-License-Identifier: Apache-2.0
"""All-MiniLM-L6-v2 as torch and ONNX models, the ways to save and load them, and the calibration text as batches."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matrices import minilm_folder
from results_page import OUT

# input ids, attention mask -> last hidden state
Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]
TEXT = OUT / "sts-b-train.txt"  # sentences_of_the_task() writes it
BATCH = 16


@dataclass(frozen=True)
class Runtime:
    """make: writes the smaller model into an empty folder. load: returns its forward function."""

    make: Callable[[Path], object]
    load: Callable[[Path], Forward]


def torch_model() -> Any:
    from transformers import AutoModel

    # The output of the pooler is not used; attention by SDPA, the default.
    return AutoModel.from_pretrained(minilm_folder(), add_pooling_layer=False).eval()


def torch_forward(model: Any) -> Forward:
    import torch

    @torch.no_grad()  # not inference_mode, which quanto's packed tensors do not support
    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.asarray(
            model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            .last_hidden_state.float()
            .numpy()
        )

    return forward


def pickled(change: Callable[[Any], Any], folder: Path) -> None:
    """Saves a changed torch model by pickle."""
    import torch

    torch.save(change(torch_model()), folder / "model.pt")


def unpickled(folder: Path) -> Forward:
    import torch

    return torch_forward(torch.load(folder / "model.pt", weights_only=False).eval())


def as_state(change: Callable[[Any], Any], folder: Path) -> None:
    """Saves only the tensors, for peers whose modules cannot be pickled."""
    import torch

    torch.save(change(torch_model()).state_dict(), folder / "model.pt")


def from_state(folder: Path) -> Forward:
    import torch

    model = torch_model()
    model.load_state_dict(torch.load(folder / "model.pt", weights_only=False), assign=True)
    return torch_forward(model)


def pretrained(folder: Path) -> Forward:
    import loewner  # noqa: F401 - registers the format
    from transformers import AutoModel

    return torch_forward(AutoModel.from_pretrained(folder, add_pooling_layer=False).eval())


def is_linear(module: Any, _: str = "") -> bool:
    import torch

    return isinstance(module, torch.nn.Linear)


def is_embedding(module: Any, _: str = "") -> bool:
    import torch

    return isinstance(module, torch.nn.Embedding)


def replace(model: Any, matches: Callable[[Any], bool], changed: Callable[[Any], Any]) -> Any:
    """Exchanges all modules that match."""
    for name, module in list(model.named_modules()):
        if matches(module):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, changed(module))
    return model


def example() -> tuple[Any, Any]:
    import torch

    return torch.ones(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.long)


def export_onnx(file: Path) -> None:
    import torch

    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "hidden"]}

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = torch_model()

        def forward(self, ids: Any, mask: Any) -> Any:
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    torch.onnx.export(
        Hidden(), example(), file, input_names=names, output_names=["hidden"], dynamic_axes=axes, dynamo=False
    )


def text_tokens() -> list[list[int]]:
    """The tokens of each sentence of the calibration text."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    sentences = TEXT.read_text(encoding="utf-8").splitlines()
    return list(tokenizer(sentences, truncation=True, max_length=128)["input_ids"])


def text_batches(size: int = BATCH) -> list[dict[str, np.ndarray]]:
    """The calibration text in batches of sentences of equal length, so that no peer sees padding; shuffled."""
    tokens = sorted(text_tokens(), key=len)
    batches: list[list[list[int]]] = [[]]
    for sentence in tokens:
        last = batches[-1]
        if last and (len(last) == size or len(last[0]) != len(sentence)):
            batches.append([])
        batches[-1].append(sentence)
    random.Random(0).shuffle(batches)
    arrays = [np.array(batch, np.int64) for batch in batches]
    return [{"input_ids": ids, "attention_mask": np.ones_like(ids)} for ids in arrays]


def torch_batches(size: int = BATCH) -> list[dict[str, Any]]:
    import torch

    return [{name: torch.from_numpy(array) for name, array in batch.items()} for batch in text_batches(size)]
