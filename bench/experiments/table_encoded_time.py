# SPDX-License-Identifier: Apache-2.0
"""Where the time of all-MiniLM-L6-v2 with encoded layers goes: by the bits of its codes, and by operation.

Times are relative to torch in float32; models take turns; medians; one thread. The profile is torch's, of the model at
3 bits, in self time. Run it on an idle machine; two minutes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import loewner
import torch
import transformers
from matrices import minilm_folder, quiet_transformers
from results_page import experiment_parser, markdown_table, publish
from table_encoded_products import batch_ids, forward_rows

BITS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
SHAPES = ((1, 16), (1, 128), (8, 128))
PROFILED = 3.0
PASSES = 20
# The operations of torch by what they are for; the others are "other".
KINDS = {
    "encoded layers": "encoded layers",
    "encoded tables": "tables",
    "attention": "attention",
    "aten::gelu": "GELU",
    "layer_norm": "layer norms",
    "aten::embedding": "tables",
    "aten::add": "sums with what enters a block",
}


def kind_of(operation: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in operation), "other")


class Marks:
    """Marks the passes of a module in profiles, since the kernels of loewner are no operations of torch."""

    def __init__(self, module: torch.nn.Module, name: str) -> None:
        self.name = name
        module.register_forward_pre_hook(self.enter)
        module.register_forward_hook(self.leave)

    def enter(self, *_: object) -> None:
        self.mark = torch.profiler.record_function(self.name)
        self.mark.__enter__()

    def leave(self, *_: object) -> None:
        self.mark.__exit__(None, None, None)


def mark_encoded(model: Any) -> None:
    for module in model.modules():
        if type(module).__module__.startswith("loewner."):
            Marks(module, "encoded tables" if "Embedding" in type(module).__name__ else "encoded layers")


def shares(model: Any, shape: tuple[int, int]) -> Counter[str]:
    """Percent of the time of forward passes by kind of operation."""
    ids = batch_ids(shape)
    model(input_ids=ids)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(PASSES):
            model(input_ids=ids)
    times: Counter[str] = Counter()
    for event in profile.key_averages():
        times[kind_of(event.key)] += event.self_cpu_time_total
    return Counter({kind: 100 * time / times.total() for kind, time in times.items()})


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    quiet_transformers()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        models = {"torch float32": transformers.AutoModel.from_pretrained(minilm_folder()).eval()}
        for bits in BITS:
            folder = Path(scratch) / f"{bits:g}"
            loewner.compress(minilm_folder(), folder, selection="all", method="codes", bits=bits, text="none")
            models[f"{bits:g} bits"] = loewner.load(folder).eval()
        rows = forward_rows(models, PASSES, SHAPES, (1,))
        publish(
            "time-by-bits",
            markdown_table(["model", *(f"{b} x {n}" for b, n in SHAPES)], rows),
            arguments.update_docs,
        )
        mark_encoded(models[f"{PROFILED:g} bits"])
        profiles = {shape: shares(models[f"{PROFILED:g} bits"], shape) for shape in SHAPES}
    kinds = sorted(profiles[SHAPES[-1]], key=lambda kind: -profiles[SHAPES[-1]][kind])
    rows = [[kind, *(f"{profiles[shape][kind]:.0f}" for shape in SHAPES)] for kind in kinds]
    header = ["operations", *(f"{b} x {n}, %" for b, n in SHAPES)]
    publish("encoded-profile", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
