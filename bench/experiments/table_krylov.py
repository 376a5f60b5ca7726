# SPDX-License-Identifier: Apache-2.0
"""Low rank from products: how many are needed, and how long they take.

First table and plot: the least products with which a method comes within 1 + eps of the best Schatten-p error of rank
1, on the hardest of some spectra made for each eps: 1, then t values from just below it down to 1/2, denser above, then
zeros. The gap behind the first makes a method that misses it wrong by twice eps. Exponents are fitted over all eps.

Second table: time to the errors 1.01 and 1.001 times the best on 30522 x 768 float32, singular values of a real token
embedding, and on 200000 x 4096 float16, singular values i^-1/2, which loewner reads from a mapped file and the others,
who take no float16, as a float32 copy that they load first. Every method at the fastest of some settings that reaches
the error, in turns; medians. Run it on an idle machine; some twenty minutes, 8 GB of memory and 2 GB of disk, which
--large-rows 0 saves.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import debian_svd
import loewner
import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import threadpoolctl
import torch
from matplotlib import pyplot
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish
from sklearn.utils.extmath import randomized_svd
from tables import minilm_table, widened
from turns import Timed, in_turns

THREADS = 2
TABLES = ("exponents", "speed")

# ---- products against eps ----

SIZE, SMALL_BLOCK = 4000, 3  # rank 1; the small block of schatten_plan is k + 2
CLOSE = (4, 16, 64, 256)  # values close to the first
ERRORS = {2.0: np.geomspace(1e-2, 1e-5, 7), 1.0: np.geomspace(1e-2, 1e-5, 7), math.inf: np.geomspace(1e-1, 1e-3, 7)}
HARDNESS = 2  # excess of a method that misses the first direction, in eps
MOST = 20_000  # products after which a method is given up


@dataclass(frozen=True)
class Problem:
    spectrum: np.ndarray  # without the zeros
    p: float
    eps: float

    @staticmethod
    def hard(close: int, p: float, eps: float) -> Problem:
        values = 1 - np.linspace(0, 1, close) ** 2 / 2
        mass = 1 if math.isinf(p) else (values**p).sum()
        return Problem(np.r_[1, (1 - min(0.5, HARDNESS * eps * mass)) * values], p, eps)

    def diagonal(self) -> np.ndarray:
        return np.r_[self.spectrum, np.zeros(SIZE - len(self.spectrum))]

    def matrix(self) -> scipy.sparse.csr_array:
        """To random starts as good as any other matrix of this spectrum."""
        return scipy.sparse.csr_array(scipy.sparse.diags_array(self.diagonal()))

    def is_solved(self, vt: np.ndarray) -> bool:
        """Zero rows of A are zero rows of A - A V V^T, so the others have all of its singular values."""
        v = vt[:, : len(self.spectrum)].T
        gram = self.spectrum[:, None] * (np.eye(len(v)) - v @ v.T) * self.spectrum
        values, best = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0)), self.spectrum[1:]
        return bool(np.linalg.norm(values, self.p) <= (1 + self.eps) * np.linalg.norm(best, self.p))


Solve = Callable[[Problem, int, int], np.ndarray]  # of the problem, the steps and a seed, V^T


def krylov(problem: Problem, steps: int, seed: int) -> np.ndarray:
    return loewner.linalg.block_krylov(problem.matrix(), 1, block=SMALL_BLOCK, steps=steps, seed=seed).vt


def subspace_iteration(problem: Problem, steps: int, seed: int) -> np.ndarray:
    diagonal = problem.diagonal()[:, None]
    v = np.random.default_rng(seed).standard_normal((SIZE, SMALL_BLOCK))
    for step in range(steps):
        v = diagonal**2 * v
        if step % 8 == 7 or step == steps - 1:
            v, _ = np.linalg.qr(v)
    return np.linalg.svd(diagonal * v, full_matrices=False)[2][:1] @ v.T


def least_steps(is_enough: Callable[[int], bool], most: int) -> float:
    high = 1
    while not is_enough(high):
        high *= 2
        if high > most:
            return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def products_of_steps(solve: Solve, problem: Problem, seed: int) -> float:
    steps = least_steps(lambda steps: problem.is_solved(solve(problem, steps, seed)), MOST // (2 * SMALL_BLOCK))
    return SMALL_BLOCK * (2 * steps + 1)


def products_of_two_sizes(problem: Problem, seed: int) -> float:
    """Of the smallest constant that is enough."""
    for constant in 0.01 * 1.15 ** np.arange(40):
        options = dict(norm_exponent=problem.p, eps=problem.eps, constant=constant)
        if problem.is_solved(loewner.linalg.schatten_low_rank(problem.matrix(), 1, seed=seed, **options).vt):
            return loewner.linalg.schatten_plan(SIZE, 1, **options).products
    return math.inf


def planned_products(problem: Problem, seed: int) -> float:
    """Of the default constant; infinite where it breaks the promise."""
    options = dict(norm_exponent=problem.p, eps=problem.eps)
    is_kept = problem.is_solved(loewner.linalg.schatten_low_rank(problem.matrix(), 1, seed=seed, **options).vt)
    return loewner.linalg.schatten_plan(SIZE, 1, **options).products if is_kept else math.inf


COUNTS: dict[str, Callable[[Problem, int], float]] = {
    "two block sizes, least constant": products_of_two_sizes,
    "two block sizes, as planned": planned_products,
    "block Krylov, blocks of 3": partial(products_of_steps, krylov),
    "subspace iteration, 3 vectors": partial(products_of_steps, subspace_iteration),
}
BOUNDS = {"two": ("-1/3", "-1/3", "-1/2"), "block": ("-1/2", "-1/2", "-1/2"), "subspace": ("-1", "-1", "-1")}


def needed(count: Callable[[Problem, int], float], p: float, seeds: int) -> np.ndarray:
    """Products for each eps: the most over the spectra of the median over the seeds."""
    return np.array(
        [
            max(np.median([count(Problem.hard(t, p, eps), seed) for seed in range(seeds)]) for t in CLOSE)
            for eps in ERRORS[p]
        ]
    )


def exponent_rows(curves: dict[tuple[str, float], np.ndarray]) -> list[list[str]]:
    rows = []
    for name in COUNTS:
        row = [name]
        for p, bound in zip(ERRORS, BOUNDS[name.split()[0]], strict=True):
            counts = curves[name, p]
            slope = np.polyfit(np.log(ERRORS[p]), np.log(counts), 1)[0] if np.isfinite(counts).all() else math.nan
            row += [f"{slope:.2f} ({bound})", f"{counts[0]:.0f} ... {counts[-1]:.0f}"]
        rows.append(row)
    return rows


def plot(curves: dict[tuple[str, float], np.ndarray]) -> None:
    figure, axes = pyplot.subplots(1, len(ERRORS), figsize=(12, 4.2), sharey=True)
    for axis, p in zip(axes, ERRORS, strict=True):
        for name in COUNTS:
            axis.loglog(1 / ERRORS[p], curves[name, p], marker="o", markersize=3, label=name)
        axis.set(xlabel="1 / eps", title=f"p = {'infinity' if math.isinf(p) else int(p)}")
        axis.grid(True, alpha=0.3, which="both")
    axes[0].set_ylabel("products with a vector")
    axes[0].legend(fontsize=8)
    save_plot(figure, "krylov")


# ---- time to an error ----

RANK = 50
TARGETS = (0.01, 0.001)
LARGE_COLS, BLOCK = 4096, 4000
SLOW = 4  # times the fastest: the faster of two runs stands in the table
FEW = 10**8  # entries up to which propack is tried
Method = Callable[[], np.ndarray]  # V^T


@dataclass(frozen=True)
class Table:
    """A matrix with what is needed to judge errors."""

    name: str
    ours: np.ndarray  # as loewner reads it
    load: Callable[[], np.ndarray]  # float32, as the others need it
    gram: np.ndarray
    best: float  # error of the best rank-RANK matrix

    @staticmethod
    def of(name: str, ours: np.ndarray, load: Callable[[], np.ndarray]) -> Table:
        gram = np.zeros((ours.shape[1],) * 2)
        for first in range(0, ours.shape[0], BLOCK):
            rows = ours[first : first + BLOCK].astype(np.float32)
            gram += rows.T @ rows
        values = np.linalg.eigvalsh(gram)
        return Table(name, ours, load, gram, math.sqrt(values[:-RANK].sum()))

    def excess(self, vt: np.ndarray) -> float:
        v, _ = np.linalg.qr(np.asarray(vt, np.float64).T)
        return math.sqrt(np.trace(self.gram) - ((self.gram @ v) * v).sum()) / self.best - 1


def sklearn_svd(table: Table, **options: object) -> np.ndarray:
    return randomized_svd(table.load(), RANK, random_state=0, **options)[2]


def torch_svd(table: Table, more: int, niter: int) -> np.ndarray:
    torch.manual_seed(0)
    return torch.svd_lowrank(torch.from_numpy(table.load()), RANK + more, niter)[2][:, :RANK].numpy().T


def scipy_svd(table: Table, solver: str) -> np.ndarray:
    return scipy.sparse.linalg.svds(table.load(), RANK, solver=solver, tol=1e-2, rng=0)[2]


def spectra_svd(table: Table, tolerance: float) -> np.ndarray:
    return debian_svd.spectra_svd(np.ascontiguousarray(table.load()), RANK, tolerance)


def ours(table: Table, **options: object) -> np.ndarray:
    return loewner.linalg.block_krylov(table.ours, RANK, **options).vt


def sketched(table: Table, **options: object) -> np.ndarray:
    return loewner.sketch.sketched_svd(table.ours, RANK, **options).vt


Ways = list[dict[str, Method]]  # of settings by name, each with more work than the one before


def settings(table: Table) -> dict[str, Ways]:
    more = (10, RANK)
    return {
        "sklearn randomized_svd": [
            {
                f"n_iter={n}, {m} more, {kind}": partial(
                    sklearn_svd, table, n_iter=n, n_oversamples=m, power_iteration_normalizer=kind
                )
                for n in range(1, 6)
            }
            for m in more
            for kind in ("none", "LU", "QR")
        ],
        "torch.svd_lowrank": [
            {f"niter={n}, {m} more": partial(torch_svd, table, m, n) for n in range(1, 6)} for m in (6, 20, RANK)
        ],
        "scipy svds": [
            {solver: partial(scipy_svd, table, solver)}
            for solver in ("arpack", "propack")
            if solver == "arpack" or table.ours.size <= FEW
        ],
        "Spectra PartialSVDSolver": [{f"tol={tol}": partial(spectra_svd, table, tol)} for tol in (1e-1, 1e-2)],
        "loewner block_krylov": [
            {
                f"{b} vectors, {q} steps": partial(ours, table, block=b, steps=q)
                for q in range(math.ceil(RANK / b), 320 // b)
            }
            for b in (8, 16, 24, 32)
        ],
        "loewner sketched_svd": [
            {
                f"{m} rows, {q or 'its own'} steps": partial(sketched, table, rows=m, steps=q, eps=1.0)
                for m in (4096, 5120, 5632, 6144, 8192, 16384, 32768, 40960, 49152)
                if m < table.ours.shape[0]
            }
            for q in (6, 7, 8, 9, 10, 0)
        ],
        "loewner sketched_svd, its own stop": [{f"eps={eps}": partial(sketched, table, eps=eps)} for eps in TARGETS],
        "loewner block_krylov, its own stop": [{f"eps={eps}": partial(ours, table, eps=eps)} for eps in TARGETS],
    }


@dataclass(frozen=True)
class Choice:
    seconds: float
    setting: str
    method: Method


def fastest(table: Table, ways: Ways) -> dict[float, Choice]:
    """The setting for each target, by the faster of two runs of each; a list is left once it reaches every target."""
    found: dict[float, Choice] = {}
    for methods in ways:
        for name, method in methods.items():
            seconds = math.inf
            for _ in range(2):
                start = time.perf_counter()
                vt = method()
                seconds = min(seconds, time.perf_counter() - start)
            excess = table.excess(vt)
            for target in TARGETS:
                if excess <= target and (target not in found or seconds < found[target].seconds):
                    found[target] = Choice(seconds, name, method)
            if excess <= min(TARGETS):
                break
    return found


def speed_rows(table: Table, rounds: int) -> list[list[str]]:
    found = {method: fastest(table, ways) for method, ways in settings(table).items()}
    rows = []
    for target in TARGETS:
        choices = {method: choice[target] for method, choice in found.items() if target in choice}
        limit = SLOW * min(choice.seconds for choice in choices.values())
        results = in_turns({name: choice.method for name, choice in choices.items() if choice.seconds <= limit}, rounds)
        for name, choice in choices.items():  # minutes of turns would say no more of the slow ones
            if name not in results:
                results[name] = Timed(choice.seconds, choice.method())
        peer = min(timed.seconds for name, timed in results.items() if not name.startswith("loewner"))
        rows += [
            [
                table.name,
                f"{1 + target:g}",
                name,
                choices[name].setting,
                f"{1 + table.excess(timed.result):.5f}",
                f"{timed.seconds:.3f}",
                f"{timed.seconds / peer:.2f}",
            ]
            for name, timed in results.items()
        ]
    return rows


def require_room(folder: Path, rows: int) -> None:
    stored = 2 * rows * LARGE_COLS
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if shutil.disk_usage(folder).free < 2 * stored or memory < 4 * stored:
        raise SystemExit(f"--large-rows {rows} needs {2 * stored:.1e} bytes of disk and {4 * stored:.1e} of memory")


def written_rows(path: Path, rows: int) -> np.memmap:
    """A safetensors file with one float16 tensor of Gaussian rows whose columns shrink as i^-1/2, mapped."""
    header = json.dumps(
        {"table": {"dtype": "F16", "shape": [rows, LARGE_COLS], "data_offsets": [0, 2 * rows * LARGE_COLS]}}
    ).encode()
    random, scales = np.random.default_rng(1), (1 + np.arange(LARGE_COLS, dtype=np.float32)) ** np.float32(-0.5)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for first in range(0, rows, BLOCK):
            block = random.standard_normal((min(BLOCK, rows - first), LARGE_COLS), np.float32) * scales
            file.write(block.astype(np.float16).tobytes())
    return np.memmap(path, np.float16, "r", 8 + len(header), (rows, LARGE_COLS))


def tables(large_rows: int, folder: Path) -> Iterator[Table]:
    small = widened(minilm_table(), 768)
    yield Table.of("30522 x 768, f32", small, lambda: small)
    if large_rows > 0:
        require_room(folder, large_rows)
        stored = written_rows(folder / "table.safetensors", large_rows)
        yield Table.of(f"{large_rows} x {LARGE_COLS}, f16", stored, lambda: torch.from_numpy(stored).float().numpy())


def exponents(seeds: int, update_docs: bool) -> None:
    loewner.set_num_threads(1)  # small problems
    curves = {(name, p): needed(COUNTS[name], p, seeds) for name in COUNTS for p in ERRORS}
    header = ["method"]
    for p in ERRORS:
        header += [f"exponent, p = {p:g}", "products"]
    publish("krylov-exponents", markdown_table(header, exponent_rows(curves)), update_docs)
    if update_docs:
        plot(curves)


def speed(rounds: int, large_rows: int, folder: Path | None, update_docs: bool) -> None:
    loewner.set_num_threads(THREADS)
    torch.set_num_threads(THREADS)
    rows = []
    with tempfile.TemporaryDirectory(dir=folder) as scratch, threadpoolctl.threadpool_limits(THREADS):
        for table in tables(large_rows, Path(scratch)):
            for row in speed_rows(table, rounds):
                rows.append(row)
                print(*row, file=sys.stderr, flush=True)
    header = ["matrix", "error / best", "method", "setting", "reached", "seconds", "of best peer"]
    publish("krylov-speed", markdown_table(header, rows), update_docs)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--only", choices=TABLES, help="one of the tables")
    parser.add_argument("--seeds", type=int, default=3, help="of the hard spectra (default 3)")
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each method (default 5)")
    parser.add_argument("--large-rows", type=int, default=200_000, help="of the float16 matrix; 0: without it")
    parser.add_argument("--folder", type=Path, help="where its file is written for the time of the run")
    arguments = parser.parse_args()
    # Overflows of iterations without normalisation show in their errors; torch would like to write to the mapped file.
    warnings.filterwarnings("ignore")
    if arguments.only in (None, "exponents"):
        exponents(arguments.seeds, arguments.update_docs)
    if arguments.only in (None, "speed"):
        speed(arguments.rounds, arguments.large_rows, arguments.folder, arguments.update_docs)


if __name__ == "__main__":
    main()
