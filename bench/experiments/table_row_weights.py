# SPDX-License-Identifier: Apache-2.0
"""Quality at equal bytes under several row weights: the value of guessed token frequencies.

Only the token embedding of all-MiniLM-L6-v2 is compressed; cos and sts as in table_quality.py. The weights are (1 /
(rank + 10))^a with the exponent a that is the method's default; the settings differ in the ranks. *by place* ranks all
ordinary tokens in the order of the vocabulary. *zipf* is the default of the tool. The rows below it assign other ranks
to single characters. *counts* are the counts of the evaluated sentences themselves, an upper bound. About 30 s per row
on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter

import numpy as np
import transformers
from compressed import compressed
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_quality import Fidelity

METHODS = {
    "svd, 50 %": (["--method", "svd", "--keep", "0.5"], 1.0),
    "subspaces, 50 %": (["--method", "subspaces", "--keep", "0.5"], 0.5),
    "coded-svd, 2 bits": (["--method", "coded-svd", "--bits", "2"], 0.5),
}
FILE_EXPONENT = 0.5  # exponent that the tool applies to counts
LARGEST_COUNT = 1e12

# name, rank of ASCII letters, rank of other characters as a share of the vocabulary
RANKS = [
    ("letters rank 20", 20, 0.5),
    ("letters rank 500", 500, 0.5),
    ("others rarest", 100, 1.0),
    ("others rank 1000", 100, 0.03),
]


def is_special(token: str) -> bool:
    return len(token) > 1 and token[0] == "[" and token[-1] == "]"


def ranks(tokens: list[str], letter: float | None, other: float) -> np.ndarray:
    """Rank of every token; single characters are ranked by place if `letter` is None."""
    result, place = np.zeros(len(tokens)), 0
    for row, token in enumerate(tokens):
        if is_special(token):
            continue
        if letter is None or len(token) > 1:
            result[row] = place
            place += 1
        elif token.isascii():
            result[row] = letter if token.isalpha() else 0
        else:
            result[row] = other * len(tokens)
    return result


def counts_of(weights: np.ndarray, exponent: float) -> np.ndarray:
    """Counts from which the tool derives the weights `weights`^exponent, up to a factor."""
    return (LARGEST_COUNT * weights ** (exponent / FILE_EXPONENT)).astype(np.int64)


def token_counts(sentences: list[str], size: int) -> np.ndarray:
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm_folder())
    counted = Counter(token for ids in tokenizer(sentences)["input_ids"] for token in ids)
    return np.array([counted[token] for token in range(size)])


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    tokens = (minilm_folder() / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    counted = token_counts(fidelity.data.sentences, len(tokens))

    def quality(options: list[str], counts: np.ndarray | None = None) -> dict:
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            if counts is not None:
                file.writelines(f"{row}\t{count}\n" for row, count in enumerate(counts))
                file.flush()
                options = [*options, "--row-weights", file.name]
            with compressed(minilm_folder(), "--text", "none", *options) as result:
                return fidelity.of_folder(result)

    guesses = [("by place", None, 0.0), *RANKS]
    rows = []
    for name, (options, exponent) in METHODS.items():
        measured = [("none", quality([*options, "--row-weights", "none"])), ("zipf", quality(options))]
        for guess, letter, other in guesses:
            weights = 1 / (ranks(tokens, letter, other) + 10) * 10
            measured.append((guess, quality(options, counts_of(weights, exponent))))
        measured.append(("counts", quality(options, counted)))
        for weights_name, found in measured:
            rows.append([name, weights_name, f"{found['cos']:.4f}", f"{found['sts']:.2f}"])
            print(*rows[-1], file=sys.stderr, flush=True)
    publish("row-weights", markdown_table(["method", "ranks", "cos", "sts"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
