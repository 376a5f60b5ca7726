# SPDX-License-Identifier: Apache-2.0
"""How fast trellis codes are decoded on one thread: to panels of products, and rows of a table to float32.

Builds and runs two programs of bench/micro. For panels, the last row reads and writes the same bytes and decodes
nothing. Run it on an idle machine; one minute, and two to build.
"""

from __future__ import annotations

import json
import os
import subprocess

from results_page import ROOT, experiment_parser, markdown_table, publish

PROGRAMS = ROOT / "build" / "bench" / "bench" / "micro"
INSTRUCTIONS = {"AVX2": "avx2", "AVX-VNNI": "avx_vnni", "AVX-512": "avx512_vnni"}
BITS = (2, 3, 4)
ROW_BITS = (1, 2, 3, 4, 6)
WIDTHS = (384, 768)


def rates(program: str, instructions: str, benchmarks: str = ".*") -> dict[str, float]:
    """Items in a second, by the name of the benchmark."""
    options = [f"--benchmark_filter={benchmarks}", "--benchmark_format=json", "--benchmark_min_time=0.5"]
    environment = os.environ | {"LOEWNER_ISA": instructions}
    done = subprocess.run([PROGRAMS / program, *options], env=environment, capture_output=True, check=True)
    return {run["name"]: run["items_per_second"] for run in json.loads(done.stdout)["benchmarks"]}


def panel_rows() -> list[list[str]]:
    found = {name: rates("loewner_tile_decoding_bench", isa) for name, isa in INSTRUCTIONS.items()}
    kinds = {"a vector for each output": "decode_outputs", "a vector for each input": "decode_inputs"}
    rows = [[name, kind, run, of] for name, of in found.items() for kind, run in kinds.items()]
    rows.append(["", "loads and stores alone", "load_and_store", found["AVX-512"]])
    return [[name, kind, *(f"{of[f'{run}/{bits}'] / 1e9:.1f}" for bits in BITS)] for name, kind, run, of in rows]


def table_rows() -> list[list[str]]:
    rows = []
    for name, isa in INSTRUCTIONS.items():
        found = rates("loewner_codes_bench", isa, "scattered")
        for width in WIDTHS:
            copied = found[f"copy_scattered_rows/{width}"]
            speeds = [found[f"decode_scattered_rows/{width}/{bits}"] for bits in ROW_BITS]
            rows.append([name, str(width), *(f"{x / 1e6:.1f} ({x / copied:.2f})" for x in speeds)])
    return rows


def build() -> None:
    subprocess.run(["cmake", "--preset", "bench"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    targets = ["loewner_tile_decoding_bench", "loewner_codes_bench"]
    subprocess.run(["cmake", "--build", "--preset", "bench", "--target", *targets], cwd=ROOT, check=True)


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    build()
    header = ["instructions", "codes", *(f"{bits} bits" for bits in BITS)]
    publish("tile-decoder", markdown_table(header, panel_rows()), arguments.update_docs)
    header = ["instructions", "width", *(f"{bits} bit{'s' * (bits > 1)}" for bits in ROW_BITS)]
    publish("decoded-rows", markdown_table(header, table_rows()), arguments.update_docs)


if __name__ == "__main__":
    main()
