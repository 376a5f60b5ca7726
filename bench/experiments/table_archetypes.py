# SPDX-License-Identifier: Apache-2.0
"""The token embedding of all-MiniLM-L6-v2 as archetypes, compared with other methods at equal bytes.

k archetypes with t per row, alone and with codes of the residual up to 1, 2 and 3 bits per weight in total; then codes
and coded-svd with the bytes of 256 archetypes alone and with 1, 2 and 3 bits. Row weights: zipf:0.5, the default of the
command. cos and sts are those of table_frontier.py; they need --glue and about half a minute per row.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from compressed import compressed
from matrices import minilm_folder, minilm_table, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_quality import Fidelity

SHAPES = ((64, 4), (256, 4))  # (k, t)
BITS = (1.0, 2.0, 3.0)
OTHERS = ("codes", "coded-svd")
HEADER = ["method", "k", "t", "bits per weight", "MB", "error", "weighted error"]
QUALITY = {"cos": 4, "sts": 2}  # number of digits


@dataclass(frozen=True)
class Setting:
    method: str
    bits: float
    count: int | None = None
    mixed: int | None = None

    def options(self) -> list[str]:
        options = ["--text", "none", "--method", self.method, "--bits", f"{self.bits:.4f}"]
        return options if self.count is None else [*options, "--archetypes", f"{self.count}:{self.mixed}"]


def bits_alone(count: int, mixed: int, rows: int, cols: int) -> float:
    """Bits per weight of archetypes without codes, plus room for the metadata."""
    metadata = 2000
    index_bytes = 1 if count <= 256 else 2
    size = rows * (mixed * (index_bytes + 1) + 2) + 2 * count * cols
    return 8 * (size + metadata) / (rows * cols)


def settings(rows: int, cols: int) -> list[Setting]:
    alone = {shape: bits_alone(*shape, rows, cols) for shape in SHAPES}
    chosen = [Setting("archetypes", bits, *shape) for shape, bits in alone.items()]
    chosen += [Setting("archetypes", bits, *shape) for shape in SHAPES for bits in BITS]
    return chosen + [Setting(method, bits) for method in OTHERS for bits in (alone[SHAPES[-1]], *BITS)]


def row_of(setting: Setting, fidelity: Fidelity | None, entries: int) -> list[str]:
    with compressed(minilm_folder(), *setting.options()) as result:
        quality = fidelity.of_folder(result) if fidelity is not None else {}
    table = result.table
    return [
        setting.method,
        str(setting.count or ""),
        str(setting.mixed or ""),
        f"{8 * table['bytes_after'] / entries:.2f}",
        f"{table['bytes_after'] / 1e6:.2f}",
        f"{table['relative_error']:.4f}",
        f"{table['weighted_relative_error']:.4f}",
        *(f"{quality[name]:.{digits}f}" for name, digits in QUALITY.items() if name in quality),
    ]


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--glue", type=Path, help="folder of the GLUE tasks; without it the table has no cos and sts")
    arguments = parser.parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue) if arguments.glue is not None else None
    table = minilm_table()
    rows = []
    for setting in settings(*table.shape):
        rows.append(row_of(setting, fidelity, table.size))
        print(*rows[-1], file=sys.stderr, flush=True)
    header = HEADER + (list(QUALITY) if fidelity is not None else [])
    publish("archetypes", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
