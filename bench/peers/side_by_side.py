# SPDX-License-Identifier: Apache-2.0
"""Compares loewner with every peer: codecs of a table at equal bytes, factorizations, whole models.

Each peer runs in a separate process on two threads. Rows are stored in bench/peers/measured, so that an interrupted run
resumes; those of other versions of the packages are measured again, and with `--again` only those that it names. cos:
mean cosine of sentence vectors to those of the original over the sentences of STS-B dev and MRPC dev. sts: Spearman x
100 on STS-B dev. Measure seconds on an idle machine, those of the passes of whole models by `--times`.
"""

from __future__ import annotations

import argparse

import factorizations
import layer_times
import peer  # noqa: F401 - puts the modules of the experiments on the path
import sts_differences
import whole_models
from equal_bytes import HEADER, EqualBytes
from matrices import quiet_transformers
from measured_rows import MeasuredRows, provenance
from results_page import experiment_parser, markdown_table, publish
from sts_differences import StsDifferences, StsDifferencesOfModels

TABLES = ("equal-bytes", "sts-differences", "factorizations", "whole-models", "sts-of-models", "layer-times")


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    parser.add_argument("tables", nargs="*", help=f"any of {', '.join(TABLES)} (default: all)")
    parser.add_argument(
        "--again", metavar="REGEX", help="measure rows with a matching name again, and no others that are stored"
    )
    parser.add_argument("--times", action="store_true", help="time the passes of whole models")
    parser.add_argument("--rounds", type=int, default=20, help="measured forward passes of each model (default 20)")
    parser.add_argument("--as-it-stands", action="store_true", help="measure nothing and show the stored rows")
    arguments = parser.parse_args()
    quiet_transformers()
    store = MeasuredRows(arguments.again, not arguments.as_it_stands)
    chosen = arguments.tables or TABLES
    if "equal-bytes" in chosen:
        show("equal-bytes", markdown_table(HEADER, EqualBytes(arguments.glue, store).rows()), arguments)
    if "sts-differences" in chosen:
        rows = StsDifferences(arguments.glue, store).rows()
        show("sts-differences", markdown_table(sts_differences.HEADER, rows), arguments)
    if "factorizations" in chosen:
        show("factorizations", markdown_table(factorizations.HEADER, factorizations.rows(store)), arguments)
    if "whole-models" in chosen:
        rounds = arguments.rounds if arguments.times else None
        rows = whole_models.WholeModels(arguments.glue, store, rounds).rows()
        show("whole-models", whole_models.page(rows), arguments)
    if "sts-of-models" in chosen:
        rows = StsDifferencesOfModels(arguments.glue, store).rows()
        show("sts-of-models", markdown_table(sts_differences.HEADER_OF_MODELS, rows), arguments)
    if "layer-times" in chosen:
        rows = layer_times.rows(arguments.glue, store, arguments.rounds)
        show("layer-times", markdown_table(layer_times.HEADER, rows), arguments)


def show(name: str, table: str, arguments: argparse.Namespace) -> None:
    publish(f"peers-{name}", table, arguments.update_docs, provenance(name))


if __name__ == "__main__":
    main()
