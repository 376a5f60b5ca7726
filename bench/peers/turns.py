# SPDX-License-Identifier: Apache-2.0
"""Seconds of forward passes of models that take turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np
from measure import in_own_process
from peer import THREADS, THREADS_VARIABLE
from runtimes import folder_of, make, runtime_of

WARM_UPS = 3
FEW, LONG_SECONDS = 3, 20.0  # a model stops after FEW measured passes if they took longer than LONG_SECONDS
PAUSE = 0.02  # seconds, in which the threads of the model before stop waiting for work
Shape = tuple[int, int]  # sentences, tokens


def ids_of(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    ids = np.random.default_rng(0).integers(1000, 30000, size=shape)
    return ids, np.ones_like(ids)


def serve(name: str, pipe: Connection) -> None:
    """Loads a model and answers every shape with the seconds of a forward pass; None ends it."""
    import torch

    torch.set_num_threads(THREADS)
    forward = runtime_of(name).run().load(folder_of(name))
    pipe.send("loaded")
    while shape := pipe.recv():
        inputs = ids_of(shape)
        start = time.perf_counter()
        forward(*inputs)
        pipe.send(time.perf_counter() - start)


def start(names: Sequence[str], threads: int) -> dict[str, Connection]:
    context = multiprocessing.get_context("spawn")
    pipes = {}
    os.environ[THREADS_VARIABLE] = str(threads)  # for the new processes
    for name in names:
        pipes[name], other = context.Pipe()
        context.Process(target=serve, args=(name, other), daemon=True).start()
        other.close()
        pipes[name].recv()
    os.environ[THREADS_VARIABLE] = str(THREADS)
    return pipes


def median_seconds(
    names: Sequence[str], shapes: Sequence[Shape], rounds: int, threads: int = THREADS
) -> dict[str, list[float]]:
    """Medians for every shape, by model. Slow models stop early."""
    for name in names:
        if not folder_of(name).exists():  # its row was measured on another machine
            made = in_own_process(make, name)
            if "failed" in made:
                raise RuntimeError(f"{name}: {made['failed']}")
    pipes = start(names, threads)
    medians: dict[str, list[float]] = {name: [] for name in names}
    for shape in shapes:
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(WARM_UPS + rounds):
            for name, pipe in pipes.items():
                if len(seconds[name]) >= WARM_UPS + FEW and sum(seconds[name]) > LONG_SECONDS:
                    continue
                time.sleep(PAUSE)
                pipe.send(shape)
                seconds[name].append(pipe.recv())
        for name in names:
            medians[name].append(float(np.median(seconds[name][WARM_UPS:])))
    for pipe in pipes.values():
        pipe.send(None)
    return medians
