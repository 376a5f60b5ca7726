# SPDX-License-Identifier: Apache-2.0
"""Excess error of l_p regression against the number of labels, by uniform, leverage-score and Lewis-weight sampling.

Two problems. coherent: 20000 x 10 Gaussian rows with log-normal lengths; ten of them alone have a nonzero entry in the
first column, 500 times as large; labels with Laplace noise and 40 gross errors. MiniLM: 31 coordinates of the token
embeddings of all-MiniLM-L6-v2 and a constant (30522 x 32), and another coordinate as the label. excess: ||A x - b||_p
over the minimum, minus 1; median (and worst) over seeds. The second table gives the share of 300 seeds with an excess
of at most epsilon for the number of labels that label_budget returns, with the binomial p-value against a success
probability of 0.9, and the slope of log excess over log labels. About three minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import loewner
import numpy as np
from matplotlib.figure import Figure
from matrices import minilm_table
from plots import save_plot
from results_page import experiment_parser, markdown_table, publish
from scipy.stats import binomtest

THREADS = 2
LABELS = [60, 120, 240, 480]
EXPONENTS = [1.0, 1.5, 2.0, 3.0, 4.0]
CLAIMED = 0.9
EPSILON = 0.1

Plans = dict[str, tuple[loewner.regression.LabelImportance, loewner.regression.SamplingScheme]]
PLANS: Plans = {
    "uniform": (loewner.regression.LabelImportance.uniform, loewner.regression.SamplingScheme.poisson),
    "leverage": (loewner.regression.LabelImportance.leverage, loewner.regression.SamplingScheme.poisson),
    "Lewis": (loewner.regression.LabelImportance.lewis, loewner.regression.SamplingScheme.poisson),
    "Lewis, pivotal": (loewner.regression.LabelImportance.lewis, loewner.regression.SamplingScheme.pivotal),
}


@dataclass(frozen=True)
class Problem:
    name: str
    a: np.ndarray
    b: np.ndarray  # n x 1

    def excess(self, p: float, best: float, plan: str, labels: int, seed: int) -> float:
        importance, scheme = PLANS[plan]
        chosen = loewner.regression.plan_labels(
            self.a, labels, norm_exponent=p, importance=importance, scheme=scheme, seed=seed
        )
        x = loewner.regression.fit_plan(self.a, chosen, self.b[chosen.rows]).regression.x
        return float(np.linalg.norm((self.a @ x - self.b)[:, 0], p) / best - 1)

    def best(self, p: float) -> float:
        fit = loewner.regression.lp_regression(self.a, self.b, norm_exponent=p)
        assert fit.converged
        return float(fit.objectives[0])


def coherent_problem() -> Problem:
    random = np.random.default_rng(1)
    n, d, planted = 20_000, 10, 10
    a = random.standard_normal((n, d)) * np.exp(random.standard_normal((n, 1)))
    a[:, 0] = 0
    a[:planted, 0] = 500 * random.standard_normal(planted)
    b = a @ np.ones((d, 1)) + random.laplace(size=(n, 1))
    gross = random.choice(n, 40, replace=False)
    b[gross, 0] += 100 * random.standard_normal(40)
    return Problem("coherent", a, b)


def minilm_problem() -> Problem:
    table = minilm_table().astype(np.float64)
    a = np.hstack([table[:, :31], np.ones((len(table), 1))])
    return Problem("MiniLM", a, np.ascontiguousarray(table[:, 31:32]))


def excess_rows(problem: Problem, seeds: int) -> tuple[list[list[str]], dict[tuple[float, str], list[float]]]:
    rows, medians = [], {}
    for p in EXPONENTS:
        best = problem.best(p)
        for plan in PLANS:
            cells, line = [], []
            for labels in LABELS:
                found = [problem.excess(p, best, plan, labels, seed) for seed in range(seeds)]
                line.append(float(np.median(found)))
                cells.append(f"{line[-1]:.3f} ({max(found):.2f})")
            medians[p, plan] = line
            slope = np.polyfit(np.log(LABELS), np.log(line), 1)[0]
            rows.append([problem.name, f"{p:g}", plan, *cells, f"{slope:.2f}"])
    return rows, medians


def success_rows(problem: Problem, seeds: int) -> list[list[str]]:
    rows = []
    for p in (1.0, 1.5, 3.0):
        best = problem.best(p)
        rows_of_a, cols_of_a = problem.a.shape
        labels = loewner.regression.label_budget(rows_of_a, cols_of_a, p, EPSILON)
        for plan in ("uniform", "Lewis, pivotal"):
            good = sum(problem.excess(p, best, plan, labels, seed) <= EPSILON for seed in range(seeds))
            test = binomtest(good, seeds, CLAIMED, alternative="less")
            rows.append([problem.name, f"{p:g}", plan, str(labels), f"{good / seeds:.3f}", f"{test.pvalue:.1e}"])
    return rows


def plot(medians: dict[str, dict[tuple[float, str], list[float]]]) -> None:
    figure = Figure(figsize=(9, 3.6))
    for axes, (name, lines) in zip(figure.subplots(1, len(medians)), medians.items(), strict=True):
        for plan in PLANS:
            axes.loglog(LABELS, lines[1.5, plan], marker="o", label=plan)
        start = lines[1.5, "Lewis"][0]
        axes.loglog(LABELS, [start * LABELS[0] / m for m in LABELS], "k:", label="1 / labels")
        axes.set_xticks(LABELS, [str(m) for m in LABELS])
        axes.minorticks_off()
        axes.set(title=f"{name}, p = 1.5", xlabel="labels", ylabel="excess error")
        axes.legend(fontsize=8)
    save_plot(figure, "active-regression")


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=25, help="seeds of the excess errors (default 25)")
    parser.add_argument("--success-seeds", type=int, default=300, help="seeds of the success shares (default 300)")
    arguments = parser.parse_args()
    loewner.set_num_threads(THREADS)
    rows, shares, medians = [], [], {}
    for problem in (coherent_problem(), minilm_problem()):
        found, medians[problem.name] = excess_rows(problem, arguments.seeds)
        rows += found
        shares += success_rows(problem, arguments.success_seeds)
    header = ["design", "p", "plan", *(f"{m} labels" for m in LABELS), "slope"]
    publish("active-regression", markdown_table(header, rows), arguments.update_docs)
    header = ["design", "p", "plan", "labels", f"share within {EPSILON:g}", f"p-value of {CLAIMED:g}"]
    publish("active-success", markdown_table(header, shares), arguments.update_docs)
    if arguments.update_docs:
        plot(medians)


if __name__ == "__main__":
    main()
