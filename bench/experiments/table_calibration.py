# SPDX-License-Identifier: Apache-2.0
"""All of all-MiniLM-L6-v2 within a byte budget: without a text, with the package's, and with sentences of the task.

MB: the file of the weights. cos and sts as in table_quality.py. predicted, measured: 1 - cos on held-out lines of the
calibration text, as the report has them. Two minutes per row on two cores.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from compressed import Compressed, compressed
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from sentence_fidelity import glue_rows
from table_quality import Fidelity

BUDGETS = ["11.9MB", "9.3MB", "7.1MB", "5.5MB"]
SENTENCES = 2000
OF_THE_TASK = f"{SENTENCES} sentences"
TEXTS = ("none", "package", OF_THE_TASK)


def sentences_of_the_task(glue: Path) -> Path:
    """A file of sentences of the train split of STS-B."""
    sentences = sorted({sentence for row in glue_rows(glue, "STS-B", "train") for sentence in row[:2]})
    random.Random(0).shuffle(sentences)
    file = OUT / "sts-b-train.txt"
    OUT.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(sentences[:SENTENCES]) + "\n", encoding="utf-8")
    return file


def argument_of(text: str, glue: Path) -> str:
    """The value of --text for one of TEXTS."""
    return str(sentences_of_the_task(glue)) if text == OF_THE_TASK else text


def results_by_text(
    glue: Path, sizes: list[list[str]], texts: Sequence[str] = TEXTS
) -> Iterator[tuple[str, list[str], Compressed]]:
    """For each text and each list of options that say a size: the text, its cos and sts, and the result."""
    fidelity = Fidelity(glue)
    for text in texts:
        for size in sizes:
            with compressed(minilm_folder(), *size, "--text", argument_of(text, glue)) as result:
                quality = fidelity.of_folder(result)
                yield text, [f"{quality['cos']:.4f}", f"{quality['sts']:.2f}"], result


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
