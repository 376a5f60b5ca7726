# SPDX-License-Identifier: Apache-2.0
"""All of all-MiniLM-L6-v2 within a byte budget: without a text, with the package's, and with sentences of the task.

MB: the file of the weights. cos and sts as in table_quality.py. predicted, measured: 1 - cos on held-out lines of the
calibration text, as the report has them. Two minutes per row on two cores.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from compressed import Compressed, compressed
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from sentence_fidelity import glue_rows
from table_quality import Fidelity

BUDGETS = ["11.9MB", "9.3MB", "7.1MB", "5.5MB"]
SENTENCES = 2000


def sentences_of_the_task(glue: Path) -> Path:
    """A file of sentences of the train split of STS-B."""
    sentences = sorted({sentence for row in glue_rows(glue, "STS-B", "train") for sentence in row[:2]})
    random.Random(0).shuffle(sentences)
    file = OUT / "sts-b-train.txt"
    file.write_text("\n".join(sentences[:SENTENCES]) + "\n", encoding="utf-8")
    return file


def texts_of(glue: Path) -> dict[str, str]:
    """Values of --text by what the tables call them."""
    return {"none": "none", "package": "package", "2000 sentences": str(sentences_of_the_task(glue))}


def results_by_text(glue: Path, sizes: list[list[str]]) -> Iterator[tuple[str, list[str], Compressed]]:
    """For each text and each list of options that say a size: the text, its cos and sts, and the result."""
    fidelity = Fidelity(glue)
    for name, text in texts_of(glue).items():
        for size in sizes:
            with compressed(minilm_folder(), *size, "--text", text) as result:
                quality = fidelity.of_folder(result)
                yield name, [f"{quality['cos']:.4f}", f"{quality['sts']:.2f}"], result


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    rows = []
    sizes = [["--all", "--budget", budget] for budget in BUDGETS]
    for name, quality, result in results_by_text(arguments.glue, sizes):
        told = result.calibration
        change = [f"{told[key]:.4f}" for key in ("predicted", "measured")] if told else ["", ""]
        rows.append([name, f"{result.totals['weights_bytes_after'] / 1e6:.2f}", *quality, *change])
        print(*rows[-1], file=sys.stderr, flush=True)
    header = ["text", "MB", "cos", "sts", "predicted", "measured"]
    publish("calibration", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
