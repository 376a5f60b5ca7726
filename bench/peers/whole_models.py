# SPDX-License-Identifier: Apache-2.0
"""The whole model by every runtime: bytes, quality, latency in turns, and memory."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from loewner_models import name_at
from measure import forget_peak, in_own_process, resident_megabytes
from measured_rows import NOT_MEASURED, MeasuredRows, rows_of
from models import Forward
from peer import Setting
from results_page import OUT, markdown_table
from runtimes import RUNTIMES, folder_of, make, runtime_of
from sentence_fidelity import SimilarityData, mean_cosine, minilm_folder, pair_cosines, spearman
from table_calibration import sentences_of_the_task
from table_quality import Fidelity
from turns import ids_of, median_seconds

BATCHES, TOKENS = (1, 8, 32), 128
TURNS = "latency"  # the stored row of the times
LATENCIES = [f"ms, batch {batch}" for batch in BATCHES]
HEADER = ["model", "MB on disk", "cos", "sts", "first on cos", *LATENCIES]
HEADER += ["MB loaded", "CPU s to make", "what to type"]
WINNERS = ("ours", "peer", "equal")
DIGITS = 4  # of cos
LARGEST_MEGABYTES = 25  # larger models are not compared: loewner's largest file has 22.8 MB


def load_and_score(name: str, glue: Path, reference: Path) -> dict:
    """Loads the output of `make`; returns the increase of the resident memory by that and one pass, cos and sts."""
    runtime = runtime_of(name).run()
    import loewner.torch  # noqa: F401 - memory that every process needs does not count
    import onnxruntime  # noqa: F401
    import transformers  # noqa: F401

    forget_peak()
    before = resident_megabytes("VmRSS")
    forward = runtime.load(folder_of(name))
    forward(*ids_of((1, TOKENS)))
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


def latencies(names: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds of each batch size."""
    seconds = median_seconds(names, [(batch, TOKENS) for batch in BATCHES], rounds)
    return {name: dict(zip(LATENCIES, of, strict=True)) for name, of in seconds.items()}


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
    peer, ours = found[name], rival_of(name, found[name])
    if ours is None:
        return ""
    if not ours:
        return "peer"
    if "failed" in found[ours]:
        return ""
    mine, theirs = round(found[ours]["cos"], DIGITS), round(peer["cos"], DIGITS)
    return "ours" if mine > theirs else "peer" if theirs > mine else "equal"


def rival_of(name: str, peer: dict) -> str | None:
    """The row of loewner that a peer is compared with; empty if all are larger, None if it is not compared."""
    if name.startswith("loewner") or "failed" in peer or peer["bytes"] > 1e6 * LARGEST_MEGABYTES:
        return None
    return name_at(peer["bytes"] / 1e6, "text" in name) or ""


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
