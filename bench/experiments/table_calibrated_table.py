# SPDX-License-Identifier: Apache-2.0
"""The token embedding of all-MiniLM-L6-v2 alone: without a text, with the package's, and with sentences of the task.

codes: of --codes, entropy codes without a text and with the sentences of the task. MB: the file of the weights, and the
stored table with its metadata. cos and sts as in table_quality.py. A minute per row on two cores.
"""

from __future__ import annotations

import sys

from matrices import quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_calibration import OF_THE_TASK, TEXTS, results_by_text

BITS = ["0.5", "1", "1.5", "2", "3"]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    rows = []
    for codes, texts in [("trellis", TEXTS), ("entropy", ["none", OF_THE_TASK])]:
        options = [["--bits", bits, "--codes", codes] for bits in BITS]
        results = results_by_text(arguments.glue, options, texts)
        for (name, quality, result), bits in zip(results, BITS * len(texts), strict=True):
            sizes = [result.totals["weights_bytes_after"], result.table["bytes_after"]]
            whole, table = (f"{size / 1e6:.2f}" for size in sizes)
            rows.append([name, codes, bits, whole, *quality, table])
            print(*rows[-1], file=sys.stderr, flush=True)
    publish(
        "calibrated-table",
        markdown_table(["text", "codes", "bits", "MB", "cos", "sts", "MB table"], rows),
        arguments.update_docs,
    )


if __name__ == "__main__":
    main()
