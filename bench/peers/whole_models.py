# SPDX-License-Identifier: Apache-2.0
"""The whole model by every runtime: bytes, quality, latency in turns, and memory."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import textwrap
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from loewner_models import name_at
from measure import forget_peak, in_own_process, resident_megabytes
from measured_rows import NOT_MEASURED, MeasuredRows, rows_of
from models import Forward
from peer import ROOT, THREADS, Setting
from results_page import OUT, markdown_table
from runtimes import RUNTIMES
from sentence_fidelity import SimilarityData, mean_cosine, minilm_folder, pair_cosines, spearman
from table_calibration import sentences_of_the_task
from table_quality import Fidelity

BATCHES, TOKENS = (1, 8, 32), 128
WARM_UPS = 3
FEW, LONG_SECONDS = 3, 20.0  # a model stops after FEW measured passes if they took longer than LONG_SECONDS
TURNS = "latency"  # the stored row of the times
LATENCIES = [f"ms, batch {batch}" for batch in BATCHES]
WEIGHTS = (".safetensors", ".pt", ".onnx", ".xml", ".bin", ".gguf")
HEADER = ["model", "MB on disk", "cos", "sts", "first on cos", *LATENCIES]
HEADER += ["MB loaded", "CPU s to make", "what to type"]
WINNERS = ("ours", "peer", "equal")
DIGITS = 4  # of cos
LARGEST_MEGABYTES = 25  # larger models are not compared: loewner's largest file has 22.8 MB


def runtime_of(name: str) -> Setting:
    return next(runtime for runtime in RUNTIMES if runtime.name == name)


def folder_of(name: str) -> Path:
    return ROOT / "out" / "peers" / hashlib.sha256(name.encode()).hexdigest()[:16]


def ids_of(batch: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.random.default_rng(0).integers(1000, 30000, size=(batch, TOKENS))
    return ids, np.ones_like(ids)


def processor_seconds() -> float:
    """Of this process and its finished children, on all cores; other programs on the machine do not count."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make(name: str) -> dict:
    """Writes the smaller model."""
    folder = folder_of(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runtime = runtime_of(name).run()
    before = processor_seconds()
    runtime.make(folder)
    weights = [file for file in folder.rglob("*") if file.suffix in WEIGHTS]
    return {"bytes": sum(file.stat().st_size for file in weights), "processor_seconds": processor_seconds() - before}


def load_and_score(name: str, glue: Path, reference: Path) -> dict:
    """Loads the output of `make`; returns the increase of the resident memory by that and one pass, cos and sts."""
    runtime = runtime_of(name).run()
    import loewner.torch  # noqa: F401 - memory that every process needs does not count
    import onnxruntime  # noqa: F401
    import transformers  # noqa: F401

    forget_peak()
    before = resident_megabytes("VmRSS")
    forward = runtime.load(folder_of(name))
    forward(*ids_of(1))
    resident = resident_megabytes("VmRSS") - before
    data = SimilarityData.read(glue)
    vectors = sentence_vectors(forward, data.sentences)
    pairs = len(data.scores)
    score = spearman(pair_cosines(vectors[:pairs], vectors[pairs : 2 * pairs]), data.scores)
    return {"megabytes": resident, "cos": mean_cosine(vectors, np.load(reference)), "sts": score}


def sentence_vectors(forward: Forward, sentences: list[str]) -> np.ndarray:
    """The vectors of SentenceEncoder.encode, by any runtime."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
    vectors = []
    for start in range(0, len(order), 64):
        chosen = [sentences[i] for i in order[start : start + 64]]
        batch = tokenizer(chosen, padding=True, truncation=True, max_length=128, return_tensors="np")
        mask = batch["attention_mask"].astype(np.int64)
        hidden = forward(batch["input_ids"].astype(np.int64), mask)
        vectors.append((hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))
    sorted_back = np.concatenate(vectors)[np.argsort(order)]
    return np.asarray(sorted_back / np.linalg.norm(sorted_back, axis=1, keepdims=True), np.float32)


def serve(name: str, pipe: Connection) -> None:
    """Loads a model and answers every batch size with the seconds of a forward pass; 0 ends it."""
    import torch

    torch.set_num_threads(THREADS)
    forward = runtime_of(name).run().load(folder_of(name))
    pipe.send("loaded")
    while batch := pipe.recv():
        inputs = ids_of(batch)
        start = time.perf_counter()
        forward(*inputs)
        pipe.send(time.perf_counter() - start)


def latencies(names: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds per batch size. Every model runs in its own process, and all take turns; slow models stop
    early."""
    for name in names:
        if not folder_of(name).exists():  # its row was measured on another machine
            in_own_process(make, name)
    context = multiprocessing.get_context("spawn")
    pipes = {}
    for name in names:
        pipes[name], other = context.Pipe()
        context.Process(target=serve, args=(name, other), daemon=True).start()
        other.close()
        pipes[name].recv()
    medians: dict[str, dict[str, float]] = {name: {} for name in names}
    for batch, label in zip(BATCHES, LATENCIES, strict=True):
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(WARM_UPS + rounds):
            for name, pipe in pipes.items():
                if len(seconds[name]) >= WARM_UPS + FEW and sum(seconds[name]) > LONG_SECONDS:
                    continue
                pipe.send(batch)
                seconds[name].append(pipe.recv())
        for name in names:
            medians[name][label] = float(np.median(seconds[name][WARM_UPS:]))
    for pipe in pipes.values():
        pipe.send(0)
    return medians


class WholeModels:
    """rounds: passes to time for each model; None shows the times of the stored run."""

    def __init__(self, glue: Path, store: MeasuredRows, rounds: int | None) -> None:
        OUT.mkdir(parents=True, exist_ok=True)
        Fidelity(glue)  # caches the vectors of the original in a file
        sentences_of_the_task(glue)  # writes them to the file that the peers calibrate on
        self.glue, self.store, self.rounds = glue, store, rounds

    def quality(self, runtime: Setting) -> dict:
        def run(_: dict | None) -> dict:
            made = in_own_process(make, runtime.name)
            if "failed" in made:
                return made
            return made | in_own_process(load_and_score, runtime.name, self.glue, OUT / "reference_vectors.npy")

        return self.store.get("whole-models", runtime, run)

    def rows(self) -> list[list[str]]:
        found = {runtime.name: self.quality(runtime) for runtime in RUNTIMES}
        running = [runtime for runtime in RUNTIMES if runtime.timed and "failed" not in found[runtime.name]]
        seconds = self.seconds(running)
        return [
            row(runtime, found[runtime.name], first_of(runtime.name, found), seconds.get(runtime.name, {}))
            for runtime in RUNTIMES
        ]

    def seconds(self, running: list[Setting]) -> dict[str, dict[str, float]]:
        """By model and batch size, of one run: times of different runs cannot be compared."""
        if self.rounds is None:
            return rows_of("whole-models").get(TURNS, {})
        packages = tuple(sorted({package for runtime in running for package in runtime.packages}))
        turns, names = Setting(TURNS, packages, "", latencies), [runtime.name for runtime in running]
        return MeasuredRows(again=TURNS).get("whole-models", turns, lambda _: latencies(names, self.rounds))


def first_of(name: str, found: dict[str, dict]) -> str:
    """The better one of a peer and the largest file of loewner that is no larger and saw as much of the user's text.

    Empty where there is nothing to compare, or while that file is not measured."""
    peer = found[name]
    if name.startswith("loewner") or "failed" in peer or peer["bytes"] > 1e6 * LARGEST_MEGABYTES:
        return ""
    ours = name_at(peer["bytes"] / 1e6, "text" in name)
    if ours is None:
        return "peer"
    if "failed" in found[ours]:
        return ""
    mine, theirs = round(found[ours]["cos"], DIGITS), round(peer["cos"], DIGITS)
    return "ours" if mine > theirs else "peer" if theirs > mine else "equal"


def page(rows: list[list[str]]) -> str:
    """The table of the rows that were tried, how often loewner is first in it, and the names of the other rows."""
    tried = [row for row in rows if row[-1] != NOT_MEASURED]
    waiting = [row[0] for row in rows if row[-1] == NOT_MEASURED]
    first = {name: [row[0] for row in tried if row[HEADER.index("first on cos")] == name] for name in WINNERS}
    lines = [f"First on cos among files of at most {LARGEST_MEGABYTES} MB:"]
    lines += [f"{name} {len(first[name])}{',.'[name == WINNERS[-1]]}" for name in WINNERS]
    if first["peer"]:
        lines.append(f"Peers that are first: {'; '.join(first['peer'])}.")
    if waiting:
        lines.append(f"Not measured yet: {'; '.join(waiting)}.")
    return f"{markdown_table(HEADER, tried)}\n\n{textwrap.fill(' '.join(lines), 100, break_on_hyphens=False)}"


def row(runtime: Setting, found: dict, first: str, seconds: dict) -> list[str]:
    if "failed" in found:
        return [runtime.name, *[""] * (len(HEADER) - 2), found["failed"]]
    quality = [f"{found['bytes'] / 1e6:.1f}", f"{found['cos']:.{DIGITS}f}", f"{found['sts']:.2f}", first]
    times = [f"{1e3 * seconds[label]:.1f}" if label in seconds else "" for label in LATENCIES]
    return [
        runtime.name,
        *quality,
        *times,
        f"{found['megabytes']:.0f}",
        f"{found['processor_seconds']:.1f}" if "processor_seconds" in found else "",
        f"`{runtime.usage}`",
    ]
