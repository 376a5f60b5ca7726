# SPDX-License-Identifier: Apache-2.0
"""Compresses every model type of the installed transformers in a small form, and loads what was written.

Each type is made with random weights, saved, compressed with --all --bits 6, verified, expanded and loaded. Outputs and
parameters of the encoded model must be those of the expanded one, also after it was saved and loaded again. Prints one
line for each type and a summary; exits with 1 if any type is wrong.

    python bench/experiments/every_model_type.py              every type
    python bench/experiments/every_model_type.py nomic_bert mixtral
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import loewner
import small_models
import torch
import transformers

RIGHT, REFUSED, WRONG, NOT_BUILT = "right", "refused", "wrong", "not built"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("types", nargs="*", metavar="TYPE", help="model types; all by default")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--seconds", type=float, default=300, help="time limit of one type")
    parser.add_argument("--traceback", action="store_true", help="print where a wrong type failed")
    options = parser.parse_args()
    types = options.types or small_models.model_types()
    with ThreadPoolExecutor(options.jobs) as threads:
        outcomes = list(threads.map(lambda name: reported(name, options), types))
    counts = Counter(outcomes)
    print(
        f"{len(types)} model types: {counts[RIGHT]} right, {counts[REFUSED]} refused, {counts[WRONG]} wrong, "
        f"{counts[NOT_BUILT]} cannot be built small; transformers {transformers.__version__}"
    )
    return int(counts[WRONG] > 0)


def reported(model_type: str, options: Any) -> str:
    outcome, text = in_a_process(model_type, options.seconds, options.traceback)
    print(f"{model_type:28} {outcome:10} {text}", flush=True)
    return outcome


def in_a_process(model_type: str, seconds: float, with_traceback: bool) -> tuple[str, str]:
    """Runs one type in a process of its own: some end the process or never end."""
    fork = multiprocessing.get_context("fork")  # the import of torch and transformers takes seconds
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=lambda: sender.send(outcome_of(model_type, with_traceback)))
    process.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            return receiver.recv()  # type: ignore[no-any-return]
        return NOT_BUILT, f"no result in {seconds:g} s"
    except EOFError:
        return WRONG, "the process ended"
    finally:
        process.kill()
        process.join()


def outcome_of(model_type: str, with_traceback: bool) -> tuple[str, str]:
    torch.set_num_threads(1)
    loewner.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        model = small_models.small_model(model_type)
    except Exception as error:  # any model class may fail in its own way
        return NOT_BUILT, one_line(error)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return checked(model, Path(folder))
        except Exception as error:
            return WRONG, traceback.format_exc() if with_traceback else one_line(error)


def checked(model: Any, folder: Path) -> tuple[str, str]:
    model_class = type(model)
    model.save_pretrained(folder / "model")
    try:
        model_class.from_pretrained(folder / "model")
    except Exception as error:
        return NOT_BUILT, f"the dense model does not load: {one_line(error)}"
    try:
        report = loewner.compress(folder / "model", folder / "encoded", bits=6, selection="all", text="none")
    except (loewner.IoError, loewner.BudgetError, ValueError) as error:
        return REFUSED, one_line(error)
    verified = loewner.verify(folder / "encoded", folder / "model")
    if not verified.holds:
        return WRONG, f"verify: {verified}"
    loewner.expand(folder / "encoded", folder / "dense")
    dense = model_class.from_pretrained(folder / "dense")
    encoded = loewner.load(folder / "encoded", memory="small", model_class=model_class)
    encoded.save_pretrained(folder / "saved")
    expected, found = small_models.outputs(dense), small_models.outputs(encoded)
    if expected is not None:
        if found is None:
            return WRONG, "the encoded model has no outputs"
        require_close("outputs", found, expected, 1e-3)
    require_equal_parameters(encoded, dense)
    kinds = "outputs and parameters" if expected is not None else "parameters"
    right = f"{kinds} equal, {len(report.tensors)} encoded tensors, {len(report.notes)} notes"
    try:
        require_equal_parameters(model_class.from_pretrained(folder / "saved"), dense)
    except AssertionError:
        if can_be_saved(dense, folder / "dense saved"):
            raise
        right += "; saved, it loads no better than the dense model"
    return RIGHT, right


def can_be_saved(dense: Any, folder: Path) -> bool:
    """Whether transformers loads all parameters of the dense model that it saved. Of sarvam_moe it does not."""
    dense.save_pretrained(folder)
    _, loading = type(dense).from_pretrained(folder, output_loading_info=True)
    return not loading["missing_keys"]


def require_equal_parameters(encoded: Any, dense: Any) -> None:
    encoded.dequantize()
    found, expected = encoded.state_dict(), dense.state_dict()
    if found.keys() != expected.keys():
        raise AssertionError(f"parameters differ: {sorted(found.keys() ^ expected.keys())[:4]}")
    for name, value in expected.items():
        require_close(name, found[name], value, 1e-4)


def require_close(name: str, found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> None:
    if found.shape != expected.shape:
        raise AssertionError(f"{name}: shape {tuple(found.shape)} instead of {tuple(expected.shape)}")
    if not expected.is_floating_point():
        if not torch.equal(found, expected):
            raise AssertionError(f"{name} differs")
        return
    scale = float(expected.double().abs().nan_to_num().max()) if expected.numel() else 0.0
    difference = float((found.double() - expected.double()).nan_to_num().abs().max()) if expected.numel() else 0.0
    if difference > tolerance * scale:
        raise AssertionError(f"{name}: differs by {difference:.2e}, largest value {scale:.2e}")


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    sys.exit(main())
