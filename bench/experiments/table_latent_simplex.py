# SPDX-License-Identifier: Apache-2.0
"""Error of the vertices of a simplex from noisy rows, by several methods, and time against the number of nonzeros.

First table: 5000 rows, 3 % near each vertex (weight .98), the others Dirichlet mixtures (.3 for k = 8 in 200 columns,
.1 for k = 20 in 500 columns); vertices of absolute Gaussian entries; Gaussian noise. Error: the largest distance of a
matched vertex, relative to the root mean square length of the vertices, median over seeds. Peers: successive
projections (SPA); scikit-learn's NMF (rows of H, scaled such that the weights sum to 1 on average), LDA (topics scaled
to the mean sum of their rows; like NMF on the positive part; the first seed only, since it takes a hundred times as
long) and MiniBatchKMeans. The last column averages the rows that are known to be near each vertex. Second table:
seconds for sparse rows of 100 nonzeros in 2000 columns, k = 10. Also writes docs/images/latent-simplex.svg. Less than
ten minutes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import loewner
import numpy as np
from matplotlib import pyplot
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import NMF, LatentDirichletAllocation
from timing import timed

ROWS, NEAR, SHARE, SEEDS = 5000, 0.03, 0.02, 3
SETTINGS = [(200, 8, 0.3), (500, 20, 0.1)]  # columns, vertices, Dirichlet parameter
NOISES = (0.02, 0.3, 1.0)
SPARSE_ROWS = (20_000, 40_000, 80_000)

Finder = Callable[[np.ndarray, int, int], np.ndarray]  # rows, k, seed -> vertices


def drawn(columns: int, k: int, mixing: float, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    vertices = np.abs(random.standard_normal((k, columns)))
    weights = random.dirichlet(np.full(k, mixing), ROWS)
    near = int(NEAR * ROWS) * k
    weights[:near] = 0.02 / (k - 1)
    weights[np.arange(near), np.arange(near) % k] = 0.98
    return vertices, weights @ vertices + noise * random.standard_normal((ROWS, columns))


def successive_projections(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    left, chosen = rows.copy(), []
    for _ in range(k):
        chosen.append(int((left**2).sum(1).argmax()))
        direction = left[chosen[-1]] / np.linalg.norm(left[chosen[-1]])
        left -= np.outer(left @ direction, direction)
    return rows[chosen]


def nmf(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    model = NMF(k, random_state=seed, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NMF does not converge within its limit
        weights = model.fit_transform(np.maximum(rows, 0))
    # Component scales for which the weights of a row sum to 1, in the least-squares sense.
    scales = np.linalg.lstsq(weights, np.ones(len(rows)), rcond=None)[0]
    return model.components_ / np.where(np.abs(scales) > 1e-9, scales, 1)[:, None]


def lda(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    counts = np.maximum(rows, 0)
    model = LatentDirichletAllocation(k, random_state=seed, max_iter=20, n_jobs=2)
    weights = model.fit_transform(counts)
    topics = model.components_ / model.components_.sum(1, keepdims=True)
    # A topic sums to 1 and is scaled to the mean sum of its rows. Least squares would not determine unused topics.
    lengths = weights.T @ counts.sum(1) / weights.sum(0)
    return topics * lengths[:, None]


def k_means_centers(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    return MiniBatchKMeans(k, n_init=3, random_state=seed).fit(rows).cluster_centers_


def known_near_rows(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """The means of the rows near each vertex, which are unknown to the methods."""
    near = rows[: int(NEAR * ROWS) * k]
    return np.array([near[vertex::k].mean(0) for vertex in range(k)])


FINDERS: dict[str, Finder] = {
    "loewner latent_simplex": lambda rows, k, seed: (
        loewner.cluster.latent_simplex(rows, k, share=SHARE, seed=seed).vertices
    ),
    "the same, one pass less": lambda rows, k, seed: (
        loewner.cluster.latent_simplex(rows, k, share=SHARE, power_steps=0, seed=seed).vertices
    ),
    "SPA": successive_projections,
    "NMF": nmf,
    "LDA": lda,
    "MiniBatchKMeans": k_means_centers,
    "mean of the near rows, if known": known_near_rows,
}


def error(vertices: np.ndarray, found: np.ndarray) -> float:
    if len(found) < len(vertices):
        return float("inf")
    distances = np.linalg.norm(vertices[:, None] - found[None], axis=2)
    return float(distances[linear_sum_assignment(distances)].max() / np.sqrt((vertices**2).sum(1).mean()))


Errors = dict[tuple[int, float], list[float]]  # (k, noise) -> the error of every finder


def errors_of_all() -> Errors:
    found: Errors = {}
    for columns, k, mixing in SETTINGS:
        for noise in NOISES:
            problems = [drawn(columns, k, mixing, noise, seed) for seed in range(SEEDS)]
            for find in FINDERS.values():
                of_seeds = [
                    error(vertices, find(rows, k, seed))
                    for seed, (vertices, rows) in enumerate(problems[: 1 if find is lda else SEEDS])
                ]
                found.setdefault((k, noise), []).append(float(np.median(of_seeds)))
    return found


def error_rows(errors: Errors) -> list[list[str]]:
    return [[str(k), str(noise), *(f"{e:.3f}" for e in row)] for (k, noise), row in errors.items()]


def plot(errors: Errors) -> None:
    figure, plots = pyplot.subplots(1, len(SETTINGS), figsize=(10, 3.6), sharey=True)
    for axes, (_, k, _) in zip(plots, SETTINGS, strict=True):
        for number, name in enumerate(FINDERS):
            axes.loglog(NOISES, [errors[k, noise][number] for noise in NOISES], "o-", label=name)
        axes.set(title=f"k = {k}", xlabel="noise of an entry")
        axes.grid(True, alpha=0.3)
    plots[0].set_ylabel("worst error of a vertex")
    plots[-1].legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1))
    save_plot(figure, "latent-simplex")


def time_rows() -> list[list[str]]:
    table = []
    for count in SPARSE_ROWS:
        random = np.random.default_rng(0)
        columns = random.integers(0, 2000, (count, 100), dtype=np.int32)
        columns[:, :50] = columns[:, :50] % 200 + 200 * (np.arange(count) % 10)[:, None]  # ten topics
        offsets = np.arange(0, 100 * count + 1, 100, dtype=np.int64)
        rows = loewner.linalg.SparseRows(2000, offsets, columns.ravel(), random.random(100 * count))
        find = partial(loewner.cluster.latent_simplex, rows, 10)
        seconds = np.median([timed(find).seconds for _ in range(3)])
        table.append([f"{100 * count}", f"{seconds:.3f}", f"{1e9 * seconds / (100 * count):.0f}"])
    return table


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    errors = errors_of_all()
    publish("latent-simplex", markdown_table(["k", "noise", *FINDERS], error_rows(errors)), arguments.update_docs)
    if arguments.update_docs:
        plot(errors)
    header = ["non-zeros", "seconds", "ns a non-zero"]
    publish("latent-simplex-time", markdown_table(header, time_rows()), arguments.update_docs)


if __name__ == "__main__":
    main()
