# SPDX-License-Identifier: Apache-2.0
"""ONNX files of all-MiniLM-L6-v2 in onnxruntime: size, outputs, forward time, load time and memory.

The form dense is the dense model by `loewner export`, and "dense by torch" by torch.onnx.export alone. The forms folded
and int8 have codes of 3 bits; int4 folded and the blocks have integers of the methods int4 and int8.

The files take turns, so that a slow phase of the machine affects all of them. Each file is loaded in processes of
their own for load time and memory: resident after loading and one forward of 8 x 128 tokens, the same after
malloc_trim, also with a forward of 1 x 16 tokens instead, and the peak, all without what the process had before;
medians of three processes. Run it on an idle machine; about ten minutes.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import time
from pathlib import Path

import loewner
import numpy as np
import onnxruntime
import torch
from loewner.onnx.export.tracing import TOKENS, Forward, example, input_names
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from transformers import AutoModel, AutoTokenizer

PAUSE = 0.03  # seconds, in which the idle threads of the last file stop spinning
THREADS = 2
SHAPES = [(1, 16), (1, 128), (8, 128), (32, 128)]
LARGE, SMALL = (8, 128), (1, 16)  # the forwards of which memory is measured
PROCESSES = 3
# How each form is compressed, and its linear layers. Texts do not calibrate integers.
CODES = {"bits": 3}
INTEGERS = {bits: {"method": f"int{bits}", "keep": 0.9, "text": "none"} for bits in (4, 8)}
BY_TORCH = "dense by torch"
FORMS: dict[str, tuple[dict, str]] = {
    BY_TORCH: ({}, ""),
    "dense": ({}, "folded"),
    "folded": (CODES, "folded"),
    "int8": (CODES, "int8"),
    "int4 folded": (INTEGERS[4], "folded"),
    "int4 blocks": (INTEGERS[4], "blocks"),
    "int8 blocks": (INTEGERS[8], "blocks"),
}
SENTENCES = 64  # of the package's calibration text, for outputs


def session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def made_up(batch: int, length: int) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(0).integers(1000, 30000, (batch, length))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def megabytes_resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def status() -> str:
    return Path("/proc/self/status").read_text()


def print_memory(file: Path, shape: tuple[int, int]) -> None:
    """Runs in a process of its own."""
    before = megabytes_resident()
    start = time.perf_counter()
    loaded = session(file)
    seconds = time.perf_counter() - start
    loaded.run(None, made_up(*shape))
    resident = megabytes_resident()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    peak = next(int(line.split()[1]) for line in status().splitlines() if line.startswith("VmHWM")) * 1024 / 1e6
    trimmed = megabytes_resident()
    print(json.dumps([seconds, resident - before, trimmed - before, peak - before]))


def memory(file: Path, shape: tuple[int, int]) -> list[float]:
    """Seconds to load; MB resident, after malloc_trim and at the peak."""
    command = [sys.executable, __file__, "--memory", str(file), *map(str, shape)]
    each = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(PROCESSES)]
    return [float(median) for median in np.median([json.loads(text) for text in each], axis=0)]


def forward_seconds(files: dict[str, Path], shape: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    loaded = {form: session(file) for form, file in files.items()}
    seconds: dict[str, list[float]] = {form: [] for form in files}
    given = made_up(*shape)
    for number in range(rounds + 2):
        for form, each in loaded.items():
            time.sleep(PAUSE)
            each.run(None, given)
            start = time.perf_counter()
            each.run(None, given)
            if number >= 2:
                seconds[form].append(time.perf_counter() - start)
    return seconds


def sentences(folder: Path) -> dict[str, np.ndarray]:
    text = Path(loewner.__file__).parent / "calibration_text" / "english.txt"
    lines = [line for line in text.read_text(encoding="utf-8").splitlines() if line.strip()][:SENTENCES]
    tokens = AutoTokenizer.from_pretrained(folder)(lines, padding=True, truncation=True, max_length=128)
    return {name: np.array(values, np.int64) for name, values in tokens.items()}


@torch.inference_mode()
def by_torch(folder: Path, given: dict[str, np.ndarray]) -> np.ndarray:
    model = loewner.load(folder, memory="dense").eval()
    return model(**{name: torch.from_numpy(value) for name, value in given.items()}).last_hidden_state.numpy()


def vectors(hidden: np.ndarray, mask: np.ndarray) -> np.ndarray:
    means = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def export_by_torch(file: Path) -> None:
    """The file that users have without loewner."""
    model = AutoModel.from_pretrained(minilm_folder()).eval()
    inputs, sizes = input_names(model), {0: "batch", 1: "length"}
    file.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        torch.onnx.export(
            Forward(model, inputs, TOKENS, []),
            tuple(example(inputs)),
            file,
            dynamo=True,
            input_names=inputs,
            output_names=[TOKENS],
            dynamic_shapes=(tuple(sizes for _ in inputs),),
            external_data=False,
            verbose=False,
        )


def folder_of(work: Path, options: dict) -> Path:
    """The folder that is exported, by the options of its compression."""
    return work / "-".join(map(str, options.values())) if options else minilm_folder()


def made(reuse: bool) -> dict[str, Path]:
    """The compressed folders and the exported files, which stay for the next run."""
    work = OUT / "onnx"
    files = {form: work / form.replace(" ", "-") / "onnx" / "model.onnx" for form in FORMS}
    if reuse and all(file.exists() for file in files.values()):
        return files
    work.mkdir(exist_ok=True)
    for options in (CODES, *INTEGERS.values()):
        loewner.compress(minilm_folder(), folder_of(work, options), selection="all", if_exists="overwrite", **options)
    export_by_torch(files[BY_TORCH])
    for form, (options, linear) in FORMS.items():
        if form == BY_TORCH:
            continue
        loewner.export(folder_of(work, options), files[form].parents[1], linear=linear, if_exists="overwrite")
    return files


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="measured forward passes of each file (default 40)")
    parser.add_argument("--memory", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--reuse", action="store_true", help="measure the files of the last run again")
    arguments = parser.parse_args()
    if arguments.memory:
        file, batch, length = arguments.memory
        return print_memory(Path(file), (int(batch), int(length)))
    quiet_transformers()
    torch.set_num_threads(THREADS)
    files = made(arguments.reuse)
    times = {shape: forward_seconds(files, shape, arguments.rounds) for shape in SHAPES}
    given = sentences(minilm_folder())
    mask = given["attention_mask"]
    rows = []
    for form, file in files.items():
        folder = folder_of(OUT / "onnx", FORMS[form][0])
        print(f"{form}: safetensors {(folder / 'model.safetensors').stat().st_size / 1e6:.2f} MB", file=sys.stderr)
        expected = by_torch(folder, given)
        hidden = session(file).run(None, given)[0]
        is_dense = FORMS[form][0] == {}
        difference = np.abs((hidden - expected) * mask[..., None]).max() / np.abs(expected).max()
        cosine = (vectors(hidden, mask) * vectors(expected, mask)).sum(1).mean()
        ratios = [np.median(np.divide(times[shape][form], times[shape]["dense"])) for shape in SHAPES]
        seconds, resident, trimmed, peak = memory(file, LARGE)
        sizes = [resident, trimmed, memory(file, SMALL)[2], peak]
        rows.append(
            [
                form,
                f"{file.stat().st_size / 1e6:.2f}",
                "" if is_dense else f"{difference:.1e}",
                "" if is_dense else f"{cosine:.5f}",
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{seconds:.1f}",
                *(f"{size:.0f}" for size in sizes),
            ]
        )
    header = ["form", "MB", "difference", "cos", *(f"{batch} x {length}" for batch, length in SHAPES)]
    header += ["s to load", "MB resident", "trimmed", "trimmed, 1 x 16", "peak"]
    publish("onnx", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
