# SPDX-License-Identifier: Apache-2.0
"""Low rank, l_1 low rank and several subspaces of the token embedding, by every peer and by loewner in turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import loewner
import numpy as np
from controls import l1_ellipsoid_directions, messi
from debian_svd import eigen_svd, spectra_svd
from matrices import minilm_table
from measure import in_own_process, measured
from measured_rows import MeasuredRows
from peer import Setting, frobenius
from timing import in_turns

ROUNDS = 3
RANK = 192
L1_ROWS, L1_COLUMNS, L1_RANK = 4000, 50, 10
CLUSTERS, DIMENSION = 5, 96
HEADER = ["problem", "method", "cost", "s", "MB", "what to type", "ours: cost", "s in the same turns", "MB"]

Approximation = np.ndarray


@dataclass(frozen=True)
class Problem:
    """A matrix, the cost relative to a reference, and the solution by loewner."""

    matrix: Callable[[], np.ndarray]
    cost: Callable[[np.ndarray, np.ndarray], float]
    reference: Callable[[np.ndarray], float]
    ours: Callable[[np.ndarray], Approximation]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return frobenius(a - b)


def entrywise_l1(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).sum(dtype=np.float64))


def optimal(a: np.ndarray, rank: int = RANK) -> float:
    """Frobenius error of the best matrix of that rank."""
    values = np.linalg.eigvalsh(a.astype(np.float64).T @ a)
    return float(np.sqrt(values[: len(values) - rank].sum()))


def projected(a: np.ndarray, vt: np.ndarray) -> Approximation:
    return (a @ vt.T) @ vt


def loewner_svd(a: np.ndarray) -> Approximation:
    vt = loewner.linalg.truncated_svd(a, RANK).vt
    return loewner.linalg.project_rows(a, vt) @ vt.astype(np.float32)


def loewner_l1(a: np.ndarray) -> Approximation:
    fit = loewner.lowrank.lp_low_rank(a, L1_RANK, norm_exponent=1.0)
    return fit.left @ fit.right


def loewner_subspaces(a: np.ndarray) -> Approximation:
    found = loewner.cluster.projective_clustering(a, CLUSTERS, DIMENSION)
    return in_subspaces(a, found.cluster_of_row, [np.asarray(vt, np.float32) for vt in found.bases])


def in_subspaces(a: np.ndarray, labels: np.ndarray, bases: Sequence[np.ndarray]) -> Approximation:
    b = np.empty_like(a)
    for cluster, basis in enumerate(bases):
        b[labels == cluster] = projected(a[labels == cluster], basis)
    return b


PROBLEMS = {
    f"rank {RANK}": Problem(minilm_table, distance, optimal, loewner_svd),
    f"l_1, rank {L1_RANK}, {L1_ROWS} x {L1_COLUMNS}": Problem(
        lambda: np.ascontiguousarray(minilm_table()[-L1_ROWS:, :L1_COLUMNS]),
        entrywise_l1,
        lambda a: entrywise_l1(a, numpy_svd(a, L1_RANK)),
        loewner_l1,
    ),
    f"{CLUSTERS} subspaces of {DIMENSION}": Problem(
        minilm_table, distance, lambda a: optimal(a, DIMENSION), loewner_subspaces
    ),
}
LOW_RANK, L1, SUBSPACES = PROBLEMS


def numpy_svd(a: np.ndarray, rank: int = RANK) -> Approximation:
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ vt[:rank]


def scipy_svd(a: np.ndarray) -> Approximation:
    import scipy.linalg

    u, s, vt = scipy.linalg.svd(a, full_matrices=False, lapack_driver="gesdd", check_finite=False)
    return (u[:, :RANK] * s[:RANK]) @ vt[:RANK]


def sklearn_svd(a: np.ndarray) -> Approximation:
    from sklearn.utils.extmath import randomized_svd

    u, s, vt = randomized_svd(a, RANK, random_state=0)
    return (u * s) @ vt


def sklearn_svd_long(a: np.ndarray) -> Approximation:
    from sklearn.utils.extmath import randomized_svd

    u, s, vt = randomized_svd(a, RANK, n_iter=10, random_state=0)
    return (u * s) @ vt


def torch_svd(a: np.ndarray) -> Approximation:
    import torch

    u, s, v = torch.svd_lowrank(torch.from_numpy(a), RANK, niter=4)
    return ((u * s) @ v.T).numpy()


def fbpca_svd(a: np.ndarray) -> Approximation:
    import fbpca

    u, s, vt = fbpca.pca(a, RANK, raw=True, n_iter=4)
    return (u * s) @ vt


def messi_subspaces(a: np.ndarray) -> Approximation:
    return in_subspaces(a, *messi(a, CLUSTERS, DIMENSION))


def l1_ellipsoid(a: np.ndarray) -> Approximation:
    return projected(a, l1_ellipsoid_directions(a, L1_RANK).astype(np.float32))


# problem, method
METHODS = [
    (LOW_RANK, Setting("numpy.linalg.svd", ("numpy",), "np.linalg.svd(a)", numpy_svd)),
    (LOW_RANK, Setting("scipy.linalg.svd, gesdd", ("scipy",), "scipy.linalg.svd(a)", scipy_svd)),
    (LOW_RANK, Setting("sklearn randomized_svd", ("scikit-learn",), f"randomized_svd(a, {RANK})", sklearn_svd)),
    (
        LOW_RANK,
        Setting(
            "sklearn randomized_svd, 10 rounds",
            ("scikit-learn",),
            f"randomized_svd(a, {RANK}, n_iter=10)",
            sklearn_svd_long,
        ),
    ),
    (LOW_RANK, Setting("torch.svd_lowrank, 4 rounds", ("torch",), f"svd_lowrank(a, {RANK}, niter=4)", torch_svd)),
    (LOW_RANK, Setting("fbpca, 4 rounds", ("fbpca",), f"pca(a, {RANK}, raw=True, n_iter=4)", fbpca_svd)),
    (
        LOW_RANK,
        Setting(
            "Spectra PartialSVDSolver",
            (),
            "our own lines of C++",
            lambda a: projected(a, spectra_svd(a, RANK)),
        ),
    ),
    (
        LOW_RANK,
        Setting("Eigen BDCSVD", (), "our own lines of C++", lambda a: projected(a, eigen_svd(a, RANK))),
    ),
    (L1, Setting("numpy.linalg.svd, d = 50", ("numpy",), "np.linalg.svd(a)", lambda a: numpy_svd(a, L1_RANK))),
    (L1, Setting("ellipsoid method, as published", ("numpy",), "our own lines", l1_ellipsoid)),
    (SUBSPACES, Setting("MESSI as published", ("numpy",), "our own lines", messi_subspaces)),
]


def run_method(name: str) -> dict:
    """Cost, time and memory of a method and of loewner: memory from a first run, times from later runs in turns."""
    problem_name, method = next((problem, method) for problem, method in METHODS if method.name == name)
    problem = PROBLEMS[problem_name]
    a = problem.matrix()
    runs = {"peer": lambda: method.run(a), "ours": lambda: problem.ours(a)}
    reference = problem.reference(a)
    said = {}
    for who, run in runs.items():
        result, spent = measured(run)
        said[who] = {"cost": problem.cost(a, result) / reference, "megabytes": spent["megabytes"]}
        del result
    for who, timed in in_turns(runs, ROUNDS).items():
        said[who]["seconds"] = timed.seconds
    return said


def row(problem: str, method: Setting, store: MeasuredRows) -> list[str]:
    found = store.get("factorizations", method, lambda _: in_own_process(run_method, method.name))
    if "failed" in found:
        return [problem, method.name, found["failed"], *[""] * (len(HEADER) - 3)]
    return [problem, method.name, *cells(found["peer"]), f"`{method.usage}`", *cells(found["ours"])]


def cells(found: dict) -> list[str]:
    return [f"{found['cost']:.5f}", f"{found['seconds']:.2f}", f"{found['megabytes']:.0f}"]


def rows(store: MeasuredRows) -> list[list[str]]:
    return [row(problem, method, store) for problem, method in METHODS]
