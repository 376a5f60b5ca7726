# SPDX-License-Identifier: Apache-2.0
"""Each kind of error of the core arrives as its kind in Python."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import loewner
import numpy as np
import pytest
from encoded_models import dense_folder
from interruptible import interruptible
from loewner._files import replace_file


def test_a_mistake_of_the_caller_is_a_value_error_with_the_message_of_the_core() -> None:
    a = np.ones((10, 4), np.float32)
    with pytest.raises(ValueError, match=r"rank.*\[1, 4\].*got 5"):
        loewner.linalg.truncated_svd(a, 5)
    a[3, 2] = np.nan
    with pytest.raises(ValueError, match="row 3, column 2"):
        loewner.linalg.truncated_svd(a, 2)
    with pytest.raises(ValueError, match="got 0"):
        loewner.set_num_threads(0)


def test_a_bad_file_is_an_io_error_which_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(loewner.IoError, match=r"config\.json"):
        loewner.compress(tmp_path / "model", tmp_path / "out", keep=0.5)
    assert issubclass(loewner.IoError, OSError)


def test_a_budget_that_cannot_be_met_is_a_budget_error(tmp_path: Path) -> None:
    with pytest.raises(loewner.BudgetError):
        loewner.compress(dense_folder("bert"), tmp_path / "out", keep=0.001)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_write_that_fails_names_the_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    import resource

    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        replace_file(Path("/dev/full"), b"new")
    file = tmp_path / "page.html"
    replace_file(file, b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*page\.html'"):
            replace_file(file, bytes(2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(OSError, match=r"No such file or directory: '.*none/page\.html'"):
        replace_file(tmp_path / "none" / "page.html", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("page.html", b"old")]


def test_what_a_progress_callback_raises_ends_the_run(tmp_path: Path) -> None:
    def stop(what: str, fraction: float) -> None:
        raise LookupError(f"{what} {fraction}")

    with pytest.raises(LookupError):
        loewner.compress(dense_folder("bert"), tmp_path / "out", keep=0.7, progress=stop)
    assert not (tmp_path / "out").exists()


_LONG_RUN = """
import time
import numpy as np, loewner
from loewner import cluster, linalg, lowrank, norms, regression, sketch
class Slow:
    shape = (2000, 2000)
    def matmat(self, x):
        time.sleep(0.1)
        return np.arange(2000)[:, None] * x
    rmatmat = matmat
a = np.random.default_rng(1).standard_normal((40000, 384)).astype(np.float32)
wide = np.resize(a, (1700, 1800)) + a[:1800, 0]
tall, targets = a[:30000, :60].astype(float), a[:30000, 60:110].astype(float)
vertices, rows = a[:200, :100].astype(float), a[:20000, 100:200].astype(float)
loss = loewner.norms.Loss.power(1, 1e-9)
print("started", flush=True)
{loop}
"""


@pytest.mark.alone
@pytest.mark.parametrize(
    "call",
    [
        "loewner.lowrank.entrywise_low_rank(a, 200, max_iterations=100000, tolerance=0)",
        "loewner.lowrank.robust_subspace(a, 200, loss, max_iterations=100000, tolerance=0)",
        "loewner.linalg.block_krylov(np.resize(a, (15000, 1024)), 400, eps=1e-9)",
        "loewner.linalg.block_krylov(Slow(), 400)",
        "linalg.truncated_svd(wide, 64)",
        "linalg.truncated_svd(a, 64, route='direct')",
        "sketch.sketched_svd(a, 300, eps=1e-6)",
        "for _ in range(1000): sketch.least_squares(tall, targets)",
        "for _ in range(1000): sketch.leverage_scores(a)",
        "norms.lewis_weights(a, max_iterations=1000, tolerance=0)",
        "norms.enclosing_ellipsoid(a[:, :64], epsilon=1e-12, max_iterations=10**6)",
        "lowrank.lp_low_rank(a, 60, row_projection='lp')",
        "lowrank.lp_row_projection(a, a[:60], max_iterations=10000, tolerance=0)",
        "regression.lp_regression(tall, targets, norm_exponent=1.01)",
        "regression.lp_regression(tall, targets)",
        "regression.lp_regression(tall, targets, norm_exponent=np.inf)",
        "regression.huber_regression(tall, targets, 0.1, tolerance=0)",
        "regression.loss_sensitivities(tall, 1)",
        "cluster.projective_clustering(a, 16, 8, num_restarts=50, tolerance=0)",
        "cluster.latent_simplex(a, 60, tries=10000)",
        "cluster.convex_code(vertices, rows)",
    ],
)
def test_ctrl_c_stops_a_computation_within_a_second(call: str) -> None:
    with interruptible([sys.executable, "-c", _LONG_RUN.format(loop=call)]) as process:
        assert process.stdout is not None and process.stdout.readline() == "started\n"
        time.sleep(0.5)
        assert process.poll() is None  # or nothing was interrupted
        interrupted = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in messages
    assert time.monotonic() - interrupted < 1.0
