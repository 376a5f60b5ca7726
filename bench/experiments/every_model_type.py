# SPDX-License-Identifier: Apache-2.0
"""Compresses every model type of the installed transformers in a small form, and loads what was written.

Each type is made with random weights, saved, compressed with --all --bits 6, verified, expanded and loaded. Outputs and
parameters of the encoded model must be those of the expanded one, also after it was saved and loaded again. Prints one
line for each type and a summary; exits with 1 if any type is wrong. Half an hour on two cores.

    python bench/experiments/every_model_type.py              every type; resumes after an interruption
    python bench/experiments/every_model_type.py nomic_bert mixtral
    python bench/experiments/every_model_type.py --again      every type, also those with a result

Results are kept in out/experiments/every-model-type.json. With --update-docs they are written to docs/model-types.md.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import loewner
import model_types_page
import small_models
import torch
import transformers
from model_types_page import NOT_BUILT, REFUSED, RIGHT, WRONG, Outcome, Results
from results_page import OUT

LARGEST_SMALL_MODEL = 6 << 30  # bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("types", nargs="*", metavar="TYPE", help="model types; all by default")
    parser.add_argument("--again", action="store_true", help="also types that have a result")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--seconds", type=float, default=300, help="time limit of one type")
    parser.add_argument("--traceback", action="store_true", help="print where a wrong type failed")
    parser.add_argument("--update-docs", action="store_true", help="write docs/model-types.md")
    options = parser.parse_args()
    every = small_models.model_types()
    results = Results(OUT / "every-model-type.json")
    types = options.types or [name for name in every if options.again or name not in results.outcomes]

    def run(model_type: str) -> None:
        outcome = in_a_process(model_type, options.seconds, options.traceback)
        print(f"{model_type:28} {outcome.result:10} {outcome.text}", flush=True)
        results.add(model_type, outcome)

    with ThreadPoolExecutor(options.jobs) as threads:
        list(threads.map(run, types))
    outcomes = {name: results.outcomes[name] for name in every if name in results.outcomes}
    print(model_types_page.summary(outcomes))
    if options.update_docs:
        model_types_page.write(outcomes)
    return int(any(outcome.result == WRONG for outcome in outcomes.values()))


def in_a_process(model_type: str, seconds: float, with_traceback: bool) -> Outcome:
    """Runs one type in a process of its own: some end the process or never end."""
    fork = multiprocessing.get_context("fork")  # the import of torch and transformers takes seconds
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=lambda: sender.send(outcome_of(model_type, with_traceback)))
    process.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            return receiver.recv()  # type: ignore[no-any-return]
        return Outcome(NOT_BUILT, f"no result in {seconds:g} s")
    except EOFError:
        return Outcome(WRONG, "the process ended")
    finally:
        process.kill()
        process.join()


def limit_memory(size: int) -> None:
    """Refuses to this process more than size bytes of data. The small form of blt takes 12 GB."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, resource.RLIM_INFINITY))


def outcome_of(model_type: str, with_traceback: bool) -> Outcome:
    torch.set_num_threads(1)
    loewner.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    try:
        limit_memory(LARGEST_SMALL_MODEL)
        model = small_models.small_model(model_type)
        limit_memory(resource.RLIM_INFINITY)
    except Exception as error:  # any model class may fail in its own way
        return Outcome(NOT_BUILT, one_line(error))
    with tempfile.TemporaryDirectory() as folder:
        try:
            return checked(model, Path(folder))
        except Exception as error:
            return Outcome(WRONG, traceback.format_exc() if with_traceback else one_line(error))


def checked(model: Any, folder: Path) -> Outcome:
    model_class = type(model)
    model.save_pretrained(folder / "model")
    try:
        _, loading = model_class.from_pretrained(folder / "model", output_loading_info=True)
    except Exception as error:
        return Outcome(NOT_BUILT, f"the dense model does not load: {one_line(error)}")
    if loading["missing_keys"]:  # they are random: shieldgemma2
        return Outcome(NOT_BUILT, f"the dense model does not load: {sorted(loading['missing_keys'])[0]} is missing")
    try:
        report = loewner.compress(folder / "model", folder / "encoded", bits=6, selection="all", text="none")
    except (loewner.IoError, loewner.BudgetError, ValueError) as error:
        return Outcome(REFUSED, one_line(error))
    verified = loewner.verify(folder / "encoded", folder / "model")
    if not verified.holds:
        return Outcome(WRONG, f"verify: {verified}")
    loewner.expand(folder / "encoded", folder / "dense")
    dense = model_class.from_pretrained(folder / "dense")
    encoded = loewner.load(folder / "encoded", memory="small", model_class=model_class)
    encoded.save_pretrained(folder / "saved")
    expected, found = small_models.outputs(dense), small_models.outputs(encoded)
    if expected is not None:
        if found is None:
            return Outcome(WRONG, "the encoded model has no outputs")
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
    return Outcome(RIGHT, right, *model_types_page.contents(folder / "model", report))


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
