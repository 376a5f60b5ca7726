# SPDX-License-Identifier: Apache-2.0
"""The error of every rank, estimated from one small sketch, compared with the singular values.

First table: diagonal matrices of size 10^4 with known spectra, rank 20: median over seeds of estimate / truth, without
and with the correction, and for a Gaussian sketch. The run fails if a median for m = 5 k, s = 4 is more than 12 % off.
Second table: the matrices of all-MiniLM-L6-v2: time of all curves compared with numpy.linalg.svd without vectors, and
their largest errors (for the last two ranks of a matrix only relative to its norm). Also writes
docs/images/residual.svg. A minute; run it on an idle machine.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from functools import partial

import loewner
import numpy as np
import safetensors.numpy
from compressed import TOOL
from loewner._core import run_command_line
from matplotlib import pyplot
from matrices import minilm_folder
from plots import save_plot
from results_page import OUT, experiment_parser, markdown_table, publish
from timing import THREADS, Timed, in_turns, limited_threads

SIZE, RANK = 10_000, 20
SHAPES = ((48, 1), (48, 2), (48, 4), (100, 4), (200, 4), (400, 4))  # m, s
GAUSSIAN_ROWS = 100
LEFT_OUT = ("position_ids", "position_embeddings", "token_type_embeddings")
NOISY = 2  # last residuals, below 1e-3 of the norm and so inaccurate in float32
DEFAULT, ALLOWED = (5 * RANK, 4), 0.12

I = np.arange(1.0, SIZE + 1)  # noqa: E741
SPECTRA = {
    "i^-6": I**-6,
    "i^-2": I**-2,
    "i^-1": I**-1,
    "i^-1/2": I**-0.5,
    "20 spikes, then flat": np.where(I <= RANK, 100.0, 1.0),
    "exp(-i / 40)": np.exp(-I / 40),
}


def tails(values: np.ndarray) -> np.ndarray:
    """sqrt(sum_{i >= k} values_i^2) for k = 0, 1, ..."""
    return np.sqrt(np.cumsum(values[::-1] ** 2)[::-1])


# ---- known spectra ----


def diagonal(spectrum: np.ndarray) -> loewner.linalg.SparseRows:
    return loewner.linalg.SparseRows(SIZE, np.arange(SIZE + 1), np.arange(SIZE, dtype=np.int32), spectrum)


def sketched(spectrum: np.ndarray, m: int, s: int, is_corrected: bool, seed: int) -> float:
    options = dict(sketch_size=m, nonzeros=s, seed=seed, correct_bias=is_corrected)
    return float(loewner.sketch.estimate_residuals(diagonal(spectrum), RANK, **options).residual[RANK])


def gaussian(spectrum: np.ndarray, is_corrected: bool, seed: int) -> float:
    """The estimate by a Gaussian matrix on each side, with the same correction."""
    random = np.random.default_rng(seed)
    left, right = (random.standard_normal((GAUSSIAN_ROWS, SIZE)) for _ in range(2))
    product = (left * spectrum) @ right.T / GAUSSIAN_ROWS
    values = np.linalg.svd(product, compute_uv=False)
    return float(tails(values)[RANK]) * (correction(values) if is_corrected else 1.0)


def correction(values: np.ndarray) -> float:
    """(1 + x/m) / (1 - k/m), as in docs/library/residual-curves.md."""
    m, leading, others = len(values), values[:RANK, None] ** 2, values[None, RANK:] ** 2
    gaps = leading - others
    taken = np.sum(leading * others * gaps / (gaps**2 + (leading / m) ** 2)) / np.sum(others)
    return float((1 + max(0.0, taken - RANK) / m) / (1 - RANK / m))


def median_ratio(spectrum: np.ndarray, estimate: Callable[[int], float], seeds: int) -> float:
    return float(np.median([estimate(seed) for seed in range(seeds)]) / tails(spectrum)[RANK])


def known_rows(seeds: int) -> tuple[list[list[str]], float]:
    """The rows of the table; and the largest relative error of a median at the default shape."""
    rows, worst = [], 0.0
    for name, spectrum in SPECTRA.items():
        row = [name]
        for estimate in (*(partial(sketched, spectrum, m, s) for m, s in SHAPES), partial(gaussian, spectrum)):
            raw, corrected = (median_ratio(spectrum, partial(estimate, flag), seeds) for flag in (False, True))
            row.append(f"{raw:.2f} -> {corrected:.2f}")
            if estimate.args[1:] == DEFAULT:
                worst = max(worst, abs(corrected - 1))
        rows.append(row)
    return rows, worst


# ---- the weights of a model ----

Curves = list[np.ndarray]  # for each matrix: ||A - A_k||_F / ||A||_F for k = 0, 1, ...


def minilm_matrices() -> dict[str, np.ndarray]:
    """The token embedding first, then the linear layers: the 38 matrices of `loewner inspect --curves`."""
    weights = safetensors.numpy.load_file(minilm_folder() / "model.safetensors")
    matrices = {name: a for name, a in weights.items() if a.ndim == 2 and name.split(".")[1] not in LEFT_OUT}
    return dict(sorted(matrices.items(), key=lambda item: -item[1].size))


def relative(curve: np.ndarray) -> np.ndarray:
    return curve / curve[0]


def exact_curves(matrices: Mapping[str, np.ndarray]) -> Curves:
    return [relative(tails(np.linalg.svd(a, compute_uv=False).astype(np.float64))) for a in matrices.values()]


def run_alone(arguments: list[str]) -> None:
    subprocess.run([TOOL, *arguments], check=True)


def inspected_curves(matrices: Mapping[str, np.ndarray], run: Callable[[list[str]], object]) -> Curves:
    """The curves of `loewner inspect --curves`, including reading the file and writing the report."""
    report = OUT / "curves.json"
    run(["inspect", str(minilm_folder()), "--curves", "--quiet", "--threads", str(THREADS), "--json", str(report)])
    found = {
        curve["name"]: np.array(curve["relative_error"][:-1]) for curve in json.loads(report.read_text())["curves"]
    }
    return [found[name] for name in matrices]


def estimated_curves(matrices: Mapping[str, np.ndarray], rank_share: float, size_factor: int) -> Curves:
    """Curves up to that share of all ranks, with m = size_factor times the largest rank."""
    curves = []
    for a in matrices.values():
        rank = int(rank_share * min(a.shape))
        curves.append(relative(loewner.sketch.estimate_residuals(a, rank, sketch_size=size_factor * rank).residual))
    return curves


METHODS = {
    "numpy.linalg.svd, no vectors": exact_curves,
    "loewner inspect --curves, whole process": partial(inspected_curves, run=run_alone),
    "loewner inspect --curves, in this process": partial(inspected_curves, run=run_command_line),
    "all ranks, m = 5 k": partial(estimated_curves, rank_share=1, size_factor=5),
    "all ranks, m = 2 k": partial(estimated_curves, rank_share=1, size_factor=2),
    "half of the ranks, m = 2 k": partial(estimated_curves, rank_share=1 / 2, size_factor=2),
    "an eighth of the ranks, m = 5 k": partial(estimated_curves, rank_share=1 / 8, size_factor=5),
}


def errors(curve: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """The largest error relative to the truth, without the last two ranks; and that relative to the norm."""
    count = min(len(curve), len(truth))
    away = np.abs(curve[:count] - truth[:count])
    return float((away / truth[:count])[: len(truth) - NOISY].max()), float(away.max())


def model_rows(results: dict[str, Timed[Curves]], truths: Curves) -> list[list[object]]:
    reference = results["numpy.linalg.svd, no vectors"].seconds
    rows = []
    for name, timed in results.items():
        table, *others = (errors(curve, truth) for curve, truth in zip(timed.result, truths, strict=True))
        rows.append(
            [
                name,
                f"{timed.seconds:.3f}",
                f"{timed.seconds / reference:.2f}",
                *(f"{error:.1e}" for error in table),
                *(f"{max(column):.1e}" for column in zip(*others, strict=True)),
            ]
        )
    return rows


def plot(results: dict[str, Timed[Curves]], truths: Curves) -> None:
    """Curves of the token embedding, and estimate / truth of all matrices."""
    figure, (curves, ratios) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    curves.plot(truths[0], color="black", label="singular values")
    for number, (method, timed) in enumerate(list(results.items())[1:]):
        curves.plot(timed.result[0], linestyle="--", color=f"C{number}", label=method)
        for curve, truth in zip(timed.result, truths, strict=True):
            count = min(len(curve), len(truth))
            ratios.plot(np.arange(count) / len(truth), curve[:count] / truth[:count], color=f"C{number}", linewidth=0.6)
    curves.set(xlabel="k", ylabel="||A - A_k|| / ||A||", title="token embedding of all-MiniLM-L6-v2")
    ratios.set(xlabel="k / all ranks", ylabel="estimate / truth", title=f"all {len(truths)} matrices")
    for axis in (curves, ratios):
        axis.grid(True, alpha=0.3)
    curves.legend(fontsize=8)
    save_plot(figure, "residual")


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="seeds of the known spectra (default 10)")
    parser.add_argument("--rounds", type=int, default=5, help="measured runs of each method (default 5)")
    arguments = parser.parse_args()
    rows, worst = known_rows(arguments.seeds)
    header = ["spectrum", *(f"m = {m}, s = {s}" for m, s in SHAPES), f"Gaussian, m = {GAUSSIAN_ROWS}"]
    statement = f"At m = 5 k, s = 4 the corrected medians are within {100 * worst:.0f} % of the truth."
    publish("residual", f"{markdown_table(header, rows)}\n\n{statement}", arguments.update_docs)
    matrices = minilm_matrices()
    with limited_threads():
        results = in_turns({name: partial(method, matrices) for name, method in METHODS.items()}, arguments.rounds)
    truths = exact_curves({name: a.astype(np.float64) for name, a in matrices.items()})
    rows = model_rows(results, truths)
    header = ["method", "seconds", "of numpy", "table", "table, of norm", "others", "others, of norm"]
    publish("residual-model", markdown_table(header, rows), arguments.update_docs)
    if arguments.update_docs:
        plot(results, truths)
    if worst > ALLOWED:
        raise SystemExit(f"a median at m = {DEFAULT[0]}, s = {DEFAULT[1]} is more than {100 * ALLOWED:.0f} % off")


if __name__ == "__main__":
    main()
