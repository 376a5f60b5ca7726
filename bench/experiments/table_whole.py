# SPDX-License-Identifier: Apache-2.0
"""All of all-MiniLM-L6-v2, tables and linear layers, within a byte budget, without data and fine-tuning.

MB: the file of the weights. cos and sts as in table_quality.py. Half a minute per row on two cores; results of earlier
runs are cached in out/experiments/quality.json.
"""

from __future__ import annotations

import sys

from compressed import compressed
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_quality import Fidelity

# name, options of `loewner compress`
SETTINGS = [
    ("int8 everywhere", ["--method", "int8", "--bits", "9"]),
    ("int4 everywhere, groups of 64", ["--method", "int4", "--bits", "5"]),
    ("codes, one budget", ["--method", "codes", "--budget", "9.0MB"]),
    ("auto, one budget", ["--budget", "12.0MB"]),
    ("auto, one budget", ["--budget", "9.0MB"]),
    ("auto, one budget", ["--budget", "7.2MB"]),
]


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    rows = []
    for name, options in SETTINGS:
        with compressed(minilm_folder(), "--all", "--text", "none", *options) as result:
            quality = fidelity.of_folder(result)
            size = result.totals["weights_bytes_after"]
        rows.append([name, f"{size / 1e6:.2f}", f"{quality['cos']:.4f}", f"{quality['sts']:.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
    publish("whole", markdown_table(["method", "MB", "cos", "sts"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
