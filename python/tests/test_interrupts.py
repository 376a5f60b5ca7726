# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C stops every computation of the library within a second, wherever it comes."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

_ROOMS = ("attention", "cluster", "linalg", "lowrank", "norms", "regression", "sketch")

# Runs one call while a timer sends signals, and prints the longest time that one had to wait for its handler, as
# Ctrl-C would have had to. A call that ends runs again. The handler stops it after two seconds, or from one second on
# if the first run is over and the second half over. Other programs may keep the processors busy, so no time counts in
# which the call itself did not compute.
_WATCHED_CALL = f"""
import signal, time
import numpy as np
from loewner import {", ".join(_ROOMS)}


class Slow:
    shape = (2000, 2000)

    def matmat(self, x):
        time.sleep(0.1)
        return np.arange(2000)[:, None] * x

    rmatmat = matmat


def draw(rows, cols, dtype=np.float32):
    return np.random.default_rng(1).standard_normal((rows, cols), dtype)


def filled(sketch, a):
    sketch.add_block(0, a)
    return sketch


{{inputs}}
started = time.monotonic()
last = started, time.process_time()
longest, seconds = 0.0, 2.0


def watch(*_):
    global last, longest
    now = time.monotonic(), time.process_time()
    longest = max(longest, min(now[0] - last[0], now[1] - last[1]))
    last = now
    if now[0] - started > seconds:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt


signal.signal(signal.SIGALRM, watch)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
try:
    while True:
        {{call}}
        seconds = min(seconds, max(1.0, 1.5 * (time.monotonic() - started)))
except KeyboardInterrupt:
    print("longest", longest, flush=True)
"""

_INPUTS = {
    "a": "draw(40000, 384)",
    "wide": "draw(1700, 1800)",
    "square": "draw(2200, 2200)",
    "large": "draw(3000, 2400, float)",
    "long": "draw(30000, 1500)",
    "right": "draw(1200, 1500)",
    "tall": "draw(30000, 60, float)",
    "targets": "draw(30000, 50, float)",
    "half": "draw(3000, 1500, float)",
    "half_targets": "draw(3000, 1, float)",
    "plan": "regression.plan_labels(half, 2500, importance='uniform')",
    "quartic": "attention.HeavyKeyStream(64, 64, eps=0.1, power=4.0)",
    "stream": "attention.HeavyKeyStream(384, 384, eps=0.1)",
    "vertices": "draw(200, 100, float)",
    "rows": "draw(20000, 100, float)",
    "loss": "norms.Loss.power(1, 1e-9)",
}

_CALLS = [
    "attention.select_heavy_keys(long, max_keys=100)",
    "attention.attend_selected(a[:2000, :128], a[:, :128], a[:, :128], np.arange(40000))",
    "quartic.push(a[:, :64], a[:, :64])",
    "stream.push(a, a)",
    "stream.attend(a[:1000])",
    "cluster.projective_clustering(a, 16, 8, num_restarts=50, tolerance=0)",
    "cluster.latent_simplex(a, 60, tries=10000)",
    "cluster.latent_simplex(abs(large), 500)",
    "cluster.convex_code(vertices, rows)",
    "linalg.block_krylov(np.resize(a, (15000, 1024)), 400, eps=1e-9)",
    "linalg.block_krylov(Slow(), 400)",
    "linalg.schatten_low_rank(large, 400, norm_exponent=1, eps=1e-4)",
    "linalg.truncated_svd(wide, 64)",
    "linalg.truncated_svd(square, 64, route='direct')",
    "linalg.truncated_svd(a, 64, route='direct')",
    "linalg.project_rows(long, right)",
    "lowrank.entrywise_low_rank(a, 200, max_iterations=100000, tolerance=0)",
    "lowrank.robust_subspace(a, 200, loss, max_iterations=100000, tolerance=0)",
    "lowrank.lp_factorization(long, max_iterations=1000, tolerance=0)",
    "lowrank.lp_low_rank(a, 60, row_projection='lp')",
    "lowrank.lp_row_projection(a, a[:60], max_iterations=10000, tolerance=0)",
    "lowrank.lp_row_projection(large[:50], large[:700])",
    "lowrank.distances_to_subspace(long, np.eye(1200, 1500))",
    "norms.lewis_weights(a, max_iterations=1000, tolerance=0)",
    "norms.enclosing_ellipsoid(a[:, :64], epsilon=1e-12, max_iterations=10**6)",
    "norms.loewner_ellipsoid(long[:, :600], norm_exponent=3.0, epsilon=1e-9)",
    "norms.certify_weights(long, np.ones(30000))",
    "norms.approximation_errors(a, a[::-1], norm_exponent=1.3)",
    "regression.lp_regression(tall, targets, norm_exponent=1.01)",
    "regression.lp_regression(tall, targets)",
    "regression.lp_regression(tall, targets, norm_exponent=np.inf)",
    "regression.lp_regression(half, half_targets, norm_exponent=np.inf)",
    "regression.huber_regression(tall, targets, 0.1, tolerance=0)",
    "regression.huber_regression(half, half_targets, 0.1, tolerance=0)",
    "regression.loss_sensitivities(tall, 1)",
    "regression.shrunk_regression(half, half, np.eye(1500))",
    "regression.plan_labels(large, 2700)",
    "regression.plan_labels(tall, 2000, importance='sensitivity')",
    "regression.active_lp_regression(half, lambda rows: half_targets[rows, 0], 1999, runs=19)",
    "regression.fit_plan(half, plan, np.ones(2500))",
    "sketch.sketched_svd(a, 300, eps=1e-6)",
    "sketch.least_squares(tall, targets)",
    "sketch.least_squares(large, large[:, :1])",
    "sketch.leverage_scores(a)",
    "sketch.leverage_scores(large, method='exact')",
    "sketch.estimate_residuals(a, 100)",
    "filled(sketch.BilinearSketch(3000, 2400, 500), large).curve()",
    "sketch.probe_residual(large, large[:, :300], large[:2400, :300], probes=200)",
    "sketch.SparseSignEmbedding(2000, 40000, nonzeros=64).apply(a)",
    "sketch.SparseSignEmbedding(2000, 2400, nonzeros=64).apply_right(large)",
    "sketch.LessEmbedding(np.ones(40000), 2000, row_nonzeros=500).apply(a)",
]

# Functions of sizes only.
_SHORT = {"linalg.schatten_plan", "regression.label_budget"}


def _public_functions() -> set[str]:
    modules = {room: importlib.import_module(f"loewner.{room}") for room in _ROOMS}
    return {
        f"{room}.{name}"
        for room, module in modules.items()
        for name in dir(module)
        if not name.startswith("_") and callable(getattr(module, name)) and not isinstance(getattr(module, name), type)
    }


def test_every_function_of_the_rooms_is_interrupted_here() -> None:
    called = set(re.findall(r"\b\w+\.\w+(?=\()", " ".join(_CALLS)))
    assert _public_functions() - called == _SHORT


def _inputs_of(call: str) -> list[str]:
    """Lines that make the inputs of a call, those of inputs first."""
    lines: list[str] = []
    for name, value in _INPUTS.items():
        if re.search(rf"\b{name}\b", call):
            lines += [line for line in [*_inputs_of(value), f"{name} = {value}"] if line not in lines]
    return lines


def _longest_wait(call: str) -> float:
    """In seconds."""
    command = [sys.executable, "-c", _WATCHED_CALL.format(inputs="\n".join(_inputs_of(call)), call=call)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.startswith("longest"), result.stdout + result.stderr  # or nothing was interrupted
    return float(result.stdout.split()[1])


# Beside other programs a processor computes more slowly, so a call may try three times. A part without a stop is slow
# in each of them.
@pytest.mark.parametrize("call", _CALLS)
def test_ctrl_c_stops_a_computation_within_a_second(call: str) -> None:
    assert any(_longest_wait(call) < 1.0 for _ in range(3))
