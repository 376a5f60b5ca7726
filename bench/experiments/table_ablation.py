# SPDX-License-Identifier: Apache-2.0
"""What each part of a calibration with sentences of the task gives: all of all-MiniLM-L6-v2 without one of them.

The parts are taken out of the moments of the full run, whose file the compressions read. cos and sts as in
table_quality.py; MB: the file of the weights. Half a minute per row on two cores.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import loewner
import numpy as np
from compressed import compressed
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from safetensors import safe_open
from safetensors.numpy import save_file
from table_calibration import OF_THE_TASK, argument_of
from table_quality import Fidelity

BUDGETS = ["9.3MB", "7.1MB"]


@dataclass
class MomentsFile:
    """The content of a file of moments; see docs/moments.md."""

    arrays: dict[str, np.ndarray]
    fields: dict

    @staticmethod
    def read(path: Path) -> MomentsFile:
        with safe_open(path, "numpy") as file:
            return MomentsFile(
                {name: file.get_tensor(name) for name in file.keys()},  # noqa: SIM118
                json.loads(file.metadata()["loewner_moments"]),
            )

    def write(self, path: Path) -> None:
        save_file(self.arrays, path, {"loewner_moments": json.dumps(self.fields)})

    def names_of_inputs(self, with_tables: bool) -> set[str]:
        """The names K of the moments of linear layers, or of the sensitivities of tables."""
        layers = self.fields["layers"].items()
        return {told["inputs"] for name, told in layers if ("embedding" in name) == with_tables}


def without_feedback(moments: MomentsFile) -> None:
    """A diagonal second moment leaves nothing to feed back, and no error to correct."""
    without_correction(moments)
    names = moments.names_of_inputs(with_tables=False)
    names |= {told["planned_by"] for told in moments.fields["layers"].values() if "planned_by" in told}
    for name in names:
        moments.arrays[f"second.{name}"] = np.diag(moments.arrays[f"second.{name}"].diagonal()).copy()


def without_correction(moments: MomentsFile) -> None:
    for told in moments.fields["layers"].values():
        told["correction"] = 0.0
    moments.arrays = {name: array for name, array in moments.arrays.items() if not name.startswith("cross.")}


def without_effects(moments: MomentsFile) -> None:
    """The planner takes its rule for blind runs."""
    del moments.fields["importance"]


def without_sensitivities(moments: MomentsFile) -> None:
    """Tables are coded in the plain metric."""
    for name in moments.names_of_inputs(with_tables=True):
        del moments.arrays[f"second.{name}"]
        del moments.fields["inputs"][name]
    layers = moments.fields["layers"]
    moments.fields["layers"] = {name: told for name, told in layers.items() if "embedding" not in name}


def without_counts(moments: MomentsFile) -> None:
    """Row weights of tables come from the order of the vocabulary alone."""
    del moments.arrays["token_counts"]


def with_equal_bits(moments: MomentsFile, tensors: list[dict]) -> None:
    """All linear layers get the same bits: an error falls fourfold with each bit, so bits are equal where importance is
    entries over the squared error at 0 bits. The sum over the layers stays as it is, and so the share of the tables."""
    importance = moments.fields["importance"]
    layers = [told for told in tensors if told["name"] in importance and "embedding" not in told["name"]]
    equal, now = {}, 0.0
    for told in layers:
        entries = math.prod(told["shape"])
        squared = told["output_error"] ** 2
        equal[told["name"]] = entries / (squared * 4.0 ** (8 * told["bytes_after"] / entries))
        now += importance[told["name"]] * squared
    scale = now / sum(equal[told["name"]] * told["output_error"] ** 2 for told in layers)
    importance.update({name: scale * value for name, value in equal.items()})


PARTS: dict[str, Callable[[MomentsFile], None]] = {
    "everything": lambda _moments: None,
    "no feedback and no correction": without_feedback,
    "no correction of earlier errors": without_correction,
    "bytes by the rule for blind runs": without_effects,
    "tables in the plain metric": without_sensitivities,
    "no token counts": without_counts,
}
EQUAL_BITS = "equal bits for all linear layers"


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    rows = []

    def add(name: str, budget: str, *options: str) -> list[dict]:
        with compressed(minilm_folder(), "--all", "--budget", budget, *options) as result:
            quality = fidelity.of_folder(result)
            size = f"{result.totals['weights_bytes_after'] / 1e6:.2f}"
        rows.append([name, size, f"{quality['cos']:.4f}", f"{quality['sts']:.2f}"])
        print(*rows[-1], file=sys.stderr, flush=True)
        return result.tensors

    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        saved, edited, original = (Path(folder) / f"{name}.safetensors" for name in ("full", "edited", "original"))
        text = argument_of(OF_THE_TASK, arguments.glue)
        loewner.calibrate(minilm_folder(), original, text=text, activations=True)
        for budget in BUDGETS:
            tensors = add("the run that made the moments", budget, "--text", text, "--save-moments", str(saved))
            parts = {**PARTS, EQUAL_BITS: partial(with_equal_bits, tensors=tensors)}
            for name, take_out in parts.items():
                moments = MomentsFile.read(saved)
                take_out(moments)
                moments.write(edited)
                add(name, budget, "--moments", str(edited))
            saved.unlink()
            add("moments of the original model", budget, "--moments", str(original))
    publish("ablation", markdown_table(["parts", "MB", "cos", "sts"], rows), arguments.update_docs)


if __name__ == "__main__":
    main()
