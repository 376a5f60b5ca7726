# SPDX-License-Identifier: Apache-2.0
"""Every peer beside loewner: codecs of a table at equal bytes, factorisations, whole models.

Each peer runs in a process of its own on two threads; rows are kept in bench/peers/measured, so a second run goes on
where the first was cut off. cos: mean cosine of sentence vectors to the original's over the sentences of STS-B dev and
MRPC dev; sts: Spearman x 100 on STS-B dev. Times want an idle machine: `--again` measures rows anew.
"""

from __future__ import annotations

import factorisations
import peer  # noqa: F401 - first: it puts the experiments' modules on the path
import sts_differences
import whole_models
from equal_bytes import HEADER, EqualBytes
from finished import Finished
from results_page import experiment_parser, markdown_table, publish
from sts_differences import StsDifferences
from tables import quiet_transformers

TABLES = ("equal-bytes", "sts-differences", "factorisations", "whole-models")


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    parser.add_argument("tables", nargs="*", help=f"which of {', '.join(TABLES)} (default: all)")
    parser.add_argument("--again", metavar="REGEX", help="measure the rows anew whose name matches")
    parser.add_argument("--rounds", type=int, default=20, help="counted forwards of each model (default 20)")
    parser.add_argument("--as-it-stands", action="store_true", help="measure nothing, show what was measured")
    arguments = parser.parse_args()
    quiet_transformers()
    finished = Finished(arguments.again, not arguments.as_it_stands)
    chosen = arguments.tables or TABLES
    if "equal-bytes" in chosen:
        table = markdown_table(HEADER, EqualBytes(arguments.glue, finished).rows())
        publish("peers-equal-bytes", table, arguments.update_docs)
    if "sts-differences" in chosen:
        rows = StsDifferences(arguments.glue, finished).rows()
        publish("peers-sts-differences", markdown_table(sts_differences.HEADER, rows), arguments.update_docs)
    if "factorisations" in chosen:
        table = markdown_table(factorisations.HEADER, factorisations.rows(finished))
        publish("peers-factorisations", table, arguments.update_docs)
    if "whole-models" in chosen:
        rows = whole_models.WholeModels(arguments.glue, finished, arguments.rounds).rows()
        publish("peers-whole-models", markdown_table(whole_models.HEADER, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
