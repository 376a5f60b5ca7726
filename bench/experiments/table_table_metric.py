# SPDX-License-Identifier: Apache-2.0
"""The token embedding of all-MiniLM-L6-v2 alone: without a text, with the package's, and with sentences of the task.

MB: the stored table, with its metadata. cos and sts as in table_quality.py. Two minutes per row on two cores.
"""

from __future__ import annotations

import sys

from compressed import compressed
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_calibration import texts_of
from table_quality import Fidelity

BITS = ["1", "2", "3"]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    rows = []
    for name, text in texts_of(arguments.glue).items():
        for bits in BITS:
            with compressed(minilm_folder(), "--bits", bits, "--text", text) as result:
                quality, size = fidelity.of_folder(result), result.table["bytes_after"]
            rows.append([name, bits, f"{size / 1e6:.2f}", f"{quality['cos']:.4f}", f"{quality['sts']:.2f}"])
            print(*rows[-1], file=sys.stderr, flush=True)
    publish("table-metric", markdown_table(["text", "bits", "MB", "cos", "sts"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
