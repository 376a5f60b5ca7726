# SPDX-License-Identifier: Apache-2.0
"""Time and memory of one run of one peer, measured in a separate process."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peer import THREADS

LIMIT_SECONDS = 1800
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # waiting threads free their core
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(THREADS)


def resident_megabytes(which: str) -> float:
    """VmRSS: current; VmHWM: peak since the last `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024 / 1e6


def forget_peak() -> None:
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def measured(run: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """The result of a run; and its seconds and peak increase of the resident memory."""
    forget_peak()
    before, start = resident_megabytes("VmRSS"), time.perf_counter()
    result = run()
    seconds = time.perf_counter() - start
    return result, {"seconds": seconds, "megabytes": resident_megabytes("VmHWM") - before}


def _child(work: Callable[..., dict], options: tuple, answer: Path) -> None:
    import torch

    torch.set_num_threads(THREADS)
    try:
        row = work(*options)
    except BaseException as error:  # any failure of a peer becomes a row with its reason
        traceback.print_exc()
        row = {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"[:160]}
    answer.write_text(json.dumps(row))


def in_own_process(work: Callable[..., dict], *options: object) -> dict:
    """Calls a function in a fresh interpreter. A crash or a timeout is returned as {"failed": reason}."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer.json"
        process = multiprocessing.get_context("spawn").Process(target=_child, args=(work, options, answer))
        process.start()
        process.join(LIMIT_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
            return {"failed": f"not finished after {LIMIT_SECONDS} s"}
        if not answer.exists():
            return {"failed": f"exit code {process.exitcode}"}
        return dict(json.loads(answer.read_text()))
