# SPDX-License-Identifier: Apache-2.0
"""Time of l_p regression compared with common solvers, on the same number of threads.

First table: one right-hand side, 100000 x 50 with log-normal row lengths and heavy-tailed noise (Student t, 2 degrees
of freedom). Peers for p = 1: HiGHS on the primal linear program, as scipy's users write it, and on the much faster
dual, sklearn's QuantileRegressor, statsmodels' QuantReg, and cvxpy with its default solver; for p = infinity HiGHS and
cvxpy; for p = 1.5 and 4 scipy's L-BFGS and cvxpy. Every peer has a time limit. excess: objective over the largest lower
bound of loewner, minus 1. Second table: 500 right-hand sides for the same design, and 768 for one of 1000 x 128 as in
the refit of a factor; peers solve one at a time, so the time of one is multiplied. loewner: median of three rounds;
peers: one round. Needs requirements-bench.txt; a peer that is not installed gets a row that says so. About eight
minutes on an idle machine, 2 GB of memory. --shrink 10 takes a tenth of the rows and right-hand sides.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable
from functools import partial

import loewner
import numpy as np
import scipy.sparse
from results_page import experiment_parser, markdown_table, publish
from scipy.optimize import linprog, minimize
from timing import in_turns, limited_threads, timed

LIMIT = 60.0  # time limit of a peer in seconds

Solver = Callable[[np.ndarray, np.ndarray], np.ndarray | None]  # A, one b -> x; None: time limit reached


def problem(n: int, d: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    a = random.standard_normal((n, d)) * np.exp(0.5 * random.standard_normal((n, 1)))
    b = a @ random.standard_normal((d, columns))
    for j in range(columns):
        b[:, j] += random.standard_t(2, n)
    return a, b


# ---- peers ----


def primal_program(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    n, d = a.shape
    constraints = scipy.sparse.hstack([scipy.sparse.csr_matrix(a), scipy.sparse.eye(n), -scipy.sparse.eye(n)], "csc")
    cost = np.concatenate([np.zeros(d), np.ones(2 * n)])
    bounds = np.array([(-np.inf, np.inf)] * d + [(0, np.inf)] * (2 * n))
    found = linprog(cost, A_eq=constraints, b_eq=b, bounds=bounds, options={"time_limit": LIMIT})
    return found.x[:d] if found.status == 0 else None


def dual_program(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    options = {"time_limit": LIMIT}
    found = linprog(-b, A_eq=a.T, b_eq=np.zeros(a.shape[1]), bounds=(-1, 1), method="highs-ipm", options=options)
    return -found.eqlin.marginals if found.status == 0 else None


def minimax_program(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    n, d = a.shape
    ones = np.ones((n, 1))
    constraints = np.block([[a, -ones], [-a, -ones]])
    cost = np.concatenate([np.zeros(d), [1.0]])
    bounds = [(None, None)] * d + [(0, None)]
    options = {"time_limit": LIMIT}
    found = linprog(cost, A_ub=constraints, b_ub=np.concatenate([b, -b]), bounds=bounds, options=options)
    return found.x[:d] if found.status == 0 else None


def quantile_regressor(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    from sklearn.linear_model import QuantileRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        options = {"time_limit": LIMIT}
        try:
            return QuantileRegressor(alpha=0, fit_intercept=False, solver_options=options).fit(a, b).coef_
        except Warning:  # HiGHS reached the time limit
            return None


def quant_reg(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    from statsmodels.regression.quantile_regression import QuantReg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return QuantReg(b, a).fit(q=0.5).params


def cvxpy_norm(p: float) -> Solver:
    def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
        import cvxpy

        x = cvxpy.Variable(a.shape[1])
        task = cvxpy.Problem(cvxpy.Minimize(cvxpy.norm(a @ x - b, "inf" if math.isinf(p) else p)))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # inaccurate solutions at the time limit
                task.solve(solver=cvxpy.CLARABEL, time_limit=LIMIT)
        except cvxpy.error.SolverError:
            return None
        return x.value if task.status == "optimal" else None

    return solve


def quasi_newton(p: float) -> Solver:
    def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        start = np.linalg.lstsq(a, b)[0]
        scale = np.abs(b - a @ start).max()

        def value(x: np.ndarray) -> tuple[float, np.ndarray]:
            r = (b - a @ x) / scale
            return float((np.abs(r) ** p).sum()), -(p / scale) * a.T @ (np.abs(r) ** (p - 1) * np.sign(r))

        options = {"maxiter": 10_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-10}
        return minimize(value, start, jac=True, method="L-BFGS-B", options=options).x

    return solve


PEERS: dict[float, dict[str, tuple[str, Solver]]] = {  # p -> name -> (required module, solver)
    1.0: {
        "scipy linprog, primal": ("scipy", primal_program),
        "scipy linprog, dual, HiGHS ipm": ("scipy", dual_program),
        "sklearn QuantileRegressor": ("sklearn", quantile_regressor),
        "statsmodels QuantReg": ("statsmodels", quant_reg),
        "cvxpy, Clarabel": ("cvxpy", cvxpy_norm(1)),
    },
    1.5: {
        "scipy L-BFGS": ("scipy", quasi_newton(1.5)),
        "cvxpy, Clarabel": ("cvxpy", cvxpy_norm(1.5)),
    },
    4.0: {"scipy L-BFGS": ("scipy", quasi_newton(4)), "cvxpy, Clarabel": ("cvxpy", cvxpy_norm(4))},
    math.inf: {
        "scipy linprog": ("scipy", minimax_program),
        "cvxpy, Clarabel": ("cvxpy", cvxpy_norm(math.inf)),
    },
}


# ---- tables ----


def single_rows(a: np.ndarray, b: np.ndarray, rounds: int) -> tuple[list[list[str]], dict[float, tuple[str, float]]]:
    """The rows for all p; and the fastest accurate peer for each p, with its seconds."""
    rows, fastest = [], {}
    for p, peers in PEERS.items():
        ours = in_turns({"": lambda p=p: loewner.regression.lp_regression(a, b, norm_exponent=p)}, rounds)[""]
        bound = float(ours.result.lower_bounds[0])
        excess = float(ours.result.objectives[0]) / bound - 1
        name = f"{p:g}"
        rows.append([name, "loewner lp_regression", f"{ours.seconds:.2f}", "1.0", f"{excess:.0e}"])
        for peer, (module, solver) in peers.items():
            if importlib.util.find_spec(module) is None:
                rows.append([name, peer, "not installed", "", ""])
                continue
            run = timed(partial(solver, a, b[:, 0]))
            seconds, x = run.seconds, run.result
            ratio = f"{seconds / ours.seconds:.1f}"
            if x is None:
                rows.append([name, peer, f"> {LIMIT:.0f}", f"> {LIMIT / ours.seconds:.0f}", ""])
                continue
            excess = float(np.linalg.norm(b[:, 0] - a @ x, p)) / bound - 1
            rows.append([name, peer, f"{seconds:.2f}", ratio, f"{excess:.0e}"])
            if excess < 1e-6 and seconds < fastest.get(p, ("", math.inf))[1]:
                fastest[p] = (peer, seconds)
    return rows, fastest


def many_rows(
    a: np.ndarray, b: np.ndarray, fastest: dict[float, tuple[str, float]], exponents: list[float]
) -> list[list[str]]:
    rows = []
    for p in exponents:
        run = timed(partial(loewner.regression.lp_regression, a, b, norm_exponent=p))
        seconds, fit = run.seconds, run.result
        gap = float((fit.objectives / fit.lower_bounds - 1).max())
        peer, one = fastest.get(p, ("", math.nan))
        all_columns = one * b.shape[1]
        rows.append(
            [
                f"{a.shape[0]} x {a.shape[1]}, {b.shape[1]}",
                f"{p:g}",
                f"{seconds:.1f}",
                f"{gap:.0e}",
                peer,
                f"{all_columns:.0f}" if peer else "",
                f"{all_columns / seconds:.0f}" if peer else "",
            ]
        )
    return rows


def fastest_of(a: np.ndarray, b: np.ndarray, exponents: list[float]) -> dict[float, tuple[str, float]]:
    """The fastest peer for each p, among those within 1e-6 of the objective on one right-hand side."""
    fastest: dict[float, tuple[str, float]] = {}
    for p in exponents:
        bound = float(loewner.regression.lp_regression(a, b, norm_exponent=p).lower_bounds[0])
        for peer, (module, solver) in PEERS.get(p, {}).items():
            if importlib.util.find_spec(module) is None:
                continue
            run = timed(partial(solver, a, b[:, 0]))
            seconds, x = run.seconds, run.result
            good = x is not None and float(np.linalg.norm(b[:, 0] - a @ x, p)) < (1 + 1e-6) * bound
            if good and seconds < fastest.get(p, ("", math.inf))[1]:
                fastest[p] = (peer, seconds)
    return fastest


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="measured runs of loewner (default 3)")
    parser.add_argument("--shrink", type=int, default=1, help="divisor of rows and right-hand sides (default 1)")
    arguments = parser.parse_args()
    with limited_threads():
        a, b = problem(100_000 // arguments.shrink, 50, 500 // arguments.shrink)
        rows, fastest = single_rows(a, b[:, :1].copy(), arguments.rounds)
        header = ["p", "solver", "seconds", "of loewner", "excess"]
        publish("lp-regression-speed", markdown_table(header, rows), arguments.update_docs)
        rows = many_rows(a, b, fastest, [1.0, 1.5])
        a, b = problem(1000, 128, 768 // arguments.shrink)
        rows += many_rows(a, b, fastest_of(a, b[:, :1].copy(), [1.0, 4.0]), [1.0, 2.0, 4.0])
    header = ["design, right-hand sides", "p", "loewner, s", "gap", "fastest peer", "its s, one by one", "ratio"]
    publish("lp-regression-many", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
