# SPDX-License-Identifier: Apache-2.0
"""Static embedding models as small ONNX files: size, cosine of sentence vectors to the original's, and STS-B.

One original is made from all-MiniLM-L6-v2 by the recipe of model2vec: the mean-pooled vector of each token alone, the
256 principal components, and weights that fall with a token's frequency (Zipf's law, its rank being its id). Tokens
that are not in use are left out, so that 29528 remain. The other is that of the package wordllama: 32000 tokens of the
tokenizer of Llama 2, 256 numbers each, in float16. Vectors are computed by onnxruntime from the exported file, for all
sentences of STS-B dev; the text of --text has those of STS-B train. sts: Spearman's correlation. Two minutes.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import loewner
import numpy as np
import onnxruntime
import torch
from results_page import OUT, experiment_parser, markdown_table, publish
from safetensors.numpy import save_file
from sentence_fidelity import glue_rows, minilm_folder, pair_cosines, quiet_transformers, spearman
from transformers import AutoModel

DIMENSION, BATCH, SIF = 256, 512, 1e-4
Settings = list[tuple[float, str]]
OF_MODEL2VEC: Settings = [
    *((bits, "") for bits in (8, 4, 3, 2)),
    *((bits, "--row-weights zipf:1.25") for bits in (2.5, 2)),
    *((bits, "--text TRAIN") for bits in (2.5, 2.05, 1.5)),
]
OF_WORDLLAMA: Settings = [(bits, text) for text in ("", "--text TRAIN") for bits in (3, 2, 1.5, 1)]


@torch.inference_mode()
def token_vectors(ids: list[int], begin: int, end: int) -> np.ndarray:
    """The mean over [CLS] token [SEP] of each token."""
    model = AutoModel.from_pretrained(minilm_folder()).eval()
    parts = []
    for start in range(0, len(ids), BATCH):
        batch = torch.tensor([[begin, token, end] for token in ids[start : start + BATCH]])
        parts.append(model(input_ids=batch).last_hidden_state.mean(1).numpy())
    return np.concatenate(parts).astype(np.float64)


def table_of(vectors: np.ndarray) -> np.ndarray:
    centered = vectors - vectors.mean(0)
    components = np.linalg.eigh(centered.T @ centered)[1][:, ::-1][:, :DIMENSION]
    frequency = 1 / np.arange(2, len(vectors) + 2)
    weights = SIF / (SIF + frequency / frequency.sum())
    return np.asarray(centered @ components * weights[:, None], np.float32)


def write_model2vec(folder: Path) -> None:
    """As the package model2vec saves it."""
    tokenizer = json.loads((minilm_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    kept = [token for token in vocabulary if not re.fullmatch(r"\[unused\d+\]", token)]
    old = tokenizer["model"]["vocab"]
    new = {token: number for number, token in enumerate(kept)}
    vectors = token_vectors([old[token] for token in kept], old["[CLS]"], old["[SEP]"])
    save_file({"embeddings": table_of(vectors)}, folder / "model.safetensors")
    tokenizer["model"]["vocab"] = new
    for token in tokenizer["added_tokens"]:
        token["id"] = new[token["content"]]
    tokenizer.update(post_processor=None, truncation=None, padding=None)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))


def write_wordllama(folder: Path) -> None:
    """The files of the package, with the names that loewner looks for."""
    package = Path(str(distribution("wordllama").locate_file("wordllama")))
    shutil.copy(package / "weights" / "l2_supercat_256.safetensors", folder / "model.safetensors")
    shutil.copy(package / "tokenizers" / "l2_supercat_tokenizer_config.json", folder / "tokenizer.json")


MODELS: dict[str, tuple[Callable[[Path], None], Settings]] = {
    "model2vec": (write_model2vec, OF_MODEL2VEC),
    "wordllama": (write_wordllama, OF_WORDLLAMA),
}


def vectors_of(file: Path, lists: list[list[int]]) -> np.ndarray:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    ids, mask = np.zeros((2, len(lists), max(map(len, lists))), np.int64)
    for row, tokens in enumerate(lists):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    return unit(session.run(None, {"input_ids": ids, "attention_mask": mask})[0])


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sentences(glue: Path, split: str) -> list[str]:
    return [row[place] for row in glue_rows(glue, "STS-B", split) for place in (0, 1)]


class Dev:
    """The sentences of STS-B dev, two to a pair."""

    def __init__(self, glue: Path) -> None:
        self.sentences = sentences(glue, "dev")
        self._scores = [float(row[2]) for row in glue_rows(glue, "STS-B", "dev")]

    def sts(self, vectors: np.ndarray) -> str:
        return f"{spearman(pair_cosines(vectors[::2], vectors[1::2]), self._scores):.2f}"


def rows_of(name: str, work: Path, dev: Dev, text: Path) -> list[list[str]]:
    write, settings = MODELS[name]
    original, small = work / name, work / "small"
    shutil.rmtree(original, ignore_errors=True)
    original.mkdir(parents=True)
    write(original)
    options = {"": {}, "--row-weights zipf:1.25": {"row_weights": "zipf:1.25"}, "--text TRAIN": {"text": text}}
    model = loewner.load(original)
    lists, reference = model.tokenize(dev.sentences), unit(model.encode(dev.sentences))
    size = (original / "model.safetensors").stat().st_size
    rows = [[f"{name}, original", f"{size / 1e6:.2f}", "", "", "", dev.sts(reference)]]
    for bits, chosen in settings:
        loewner.compress(original, small, bits=bits, if_exists="overwrite", **options[chosen])
        report = loewner.export(small, work / "onnx", if_exists="overwrite")
        assert loewner.verify(report.file, original).holds
        vectors = vectors_of(Path(report.file), lists)
        cosines = pair_cosines(vectors, reference)
        stored = (small / "model.safetensors").stat().st_size
        rows.append(
            [
                f"{name} --bits {bits} {chosen}".strip(),
                f"{stored / 1e6:.2f}",
                f"{report.bytes / 1e6:.2f}",
                f"{cosines.mean():.4f}",
                f"{np.quantile(cosines, 0.01):.4f}",
                dev.sts(vectors),
            ]
        )
    return rows


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    work = OUT / "static"
    work.mkdir(parents=True, exist_ok=True)
    text = work / "train.txt"
    text.write_text("\n".join(sentences(arguments.glue, "train")), encoding="utf-8")
    dev = Dev(arguments.glue)
    rows = [row for name in MODELS for row in rows_of(name, work, dev, text)]
    header = ["model", "safetensors MB", "ONNX MB", "cos", "1 % below", "sts"]
    publish("static", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
