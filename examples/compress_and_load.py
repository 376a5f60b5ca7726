# SPDX-License-Identifier: Apache-2.0
"""Compresses a model, verifies the output and loads it with transformers. It prints the report, the
verification, and the cosine between the hidden states of the original and the compressed model.

    python examples/compress_and_load.py [MODEL [OUTPUT]]

Without arguments the program compresses a small randomly initialized BERT in a temporary folder. It needs the packages
torch and transformers.
"""

import sys
import tempfile
from pathlib import Path

import loewner
import torch
import transformers
from transformers import AutoModel, BertConfig, BertModel


def write_random_model(folder: Path) -> None:
    torch.manual_seed(1)
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    model = BertModel(BertConfig(vocab_size=5000, **shape))
    decay = 0.95 ** torch.arange(64)  # a decaying spectrum, as trained tables have
    model.embeddings.word_embeddings.weight.data *= decay
    model.save_pretrained(folder)


def compress_and_compare(model: Path, output: Path) -> None:
    report = loewner.compress(model, output, keep=0.72, if_exists="overwrite")
    print(report)
    print(loewner.verify(output, model))

    original, compressed = AutoModel.from_pretrained(model), AutoModel.from_pretrained(output)
    tokens = torch.arange(1000, 1032).unsqueeze(0)
    with torch.inference_mode():
        before, after = (m(tokens).last_hidden_state.flatten() for m in (original.eval(), compressed.eval()))
    print(f"cosine between the hidden states: {torch.cosine_similarity(before, after, dim=0):.4f}")


def main() -> None:
    transformers.utils.logging.disable_progress_bar()
    if len(sys.argv) > 1:
        model = Path(sys.argv[1])
        compress_and_compare(model, Path(sys.argv[2] if len(sys.argv) > 2 else f"{model.name}-compressed"))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_random_model(Path(folder) / "model")
        compress_and_compare(Path(folder) / "model", Path(folder) / "compressed")


if __name__ == "__main__":
    main()
