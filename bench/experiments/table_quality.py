# SPDX-License-Identifier: Apache-2.0
"""Quality of all-MiniLM-L6-v2 with its token table at 72 % of the bytes (f32 factors), by norm and row weights.

cos: mean cosine of sentence vectors to those of the original over the sentences of STS-B dev and MRPC dev. sts:
Spearman x 100 on STS-B dev. About 30 s per row on two cores; results of earlier runs are cached in
out/experiments/quality.json.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from compressed import Compressed, ResultCache, compressed
from matrices import quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from sentence_fidelity import SentenceEncoder, SimilarityData, mean_cosine, minilm_folder, pair_cosines, spearman

KEEP = "0.72"
EXPONENTS = (1, 1.25, 1.5, 2)
ZIPF_EXPONENTS = (0.5, 0.75, 1, 1.25)

# name, options of `loewner compress`
SETTINGS = [
    ("svd, no weights", ["--method", "svd", "--row-weights", "none"]),
    ("lp p=1, no weights", ["--method", "lp", "--norm-exponent", "1", "--row-weights", "none"]),
    ("svd, zipf", ["--method", "svd"]),
]
SWEEP = [
    (f"lp p={p:g}, zipf^{a:g}", ["--method", "lp", "--norm-exponent", f"{p:g}", "--row-weights", f"zipf:{a:g}"])
    for a in ZIPF_EXPONENTS
    for p in EXPONENTS
]
HEADER = ["setting", "rank", "cos", "sts", "error", "weighted error", "l_p error", "l_p error of svd"]


def encoder_with(table: np.ndarray) -> SentenceEncoder:
    encoder = SentenceEncoder.load(minilm_folder())
    with torch.no_grad():
        encoder.model.get_input_embeddings().weight.copy_(torch.from_numpy(table))
    return encoder


class Fidelity:
    """Compares checkpoints with the original, whose sentence vectors are cached in a file."""

    def __init__(self, glue: Path) -> None:
        self.data = SimilarityData.read(glue)
        self.cache = ResultCache("quality")
        file = OUT / "reference_vectors.npy"
        if not file.exists():
            np.save(file, SentenceEncoder.load(minilm_folder()).encode(self.data.sentences))
        self.reference = np.load(file)

    def of_folder(self, result: Compressed) -> dict:
        """cos and sts of a finished run, cached by the digest of its weights."""
        return self.cache.get(result.digest(), lambda: self._of(SentenceEncoder.load(result.folder)))

    def of_table(self, table: np.ndarray) -> dict:
        """cos and sts of the original with another token embedding."""
        key = hashlib.sha256(np.ascontiguousarray(table).tobytes()).hexdigest()
        return self.cache.get(key, lambda: self._of(encoder_with(table)))

    def cosines_of_pairs(self, table: np.ndarray) -> np.ndarray:
        """Cosines of the pairs of STS-B dev, for the original with another token embedding."""
        encoder = encoder_with(table)
        return pair_cosines(encoder.encode(self.data.first), encoder.encode(self.data.second))

    def _of(self, encoder: SentenceEncoder) -> dict:
        vectors = encoder.encode(self.data.sentences)
        pairs = len(self.data.scores)
        score = spearman(pair_cosines(vectors[:pairs], vectors[pairs : 2 * pairs]), self.data.scores)
        return {"cos": mean_cosine(vectors, self.reference), "sts": score}

    def row(self, name: str, options: list[str]) -> list[str]:
        with compressed(minilm_folder(), "--keep", KEEP, "--text", "none", *options) as result:
            quality = self.of_folder(result)
        table = result.table
        errors = [table[key] for key in ("relative_error", "weighted_relative_error", "lp_error", "lp_error_svd")]
        numbers = [f"{error:.4f}" if error is not None else "" for error in errors]
        return [name, table["rank"], f"{quality['cos']:.4f}", f"{quality['sts']:.2f}", *numbers]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    rows = []
    for name, options in SETTINGS + SWEEP:
        rows.append(fidelity.row(name, options))
        print(*rows[-1], file=sys.stderr, flush=True)
    publish("quality", markdown_table(HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
