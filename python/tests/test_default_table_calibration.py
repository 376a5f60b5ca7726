# SPDX-License-Identifier: Apache-2.0
"""Tables alone are calibrated with the package's text where that is possible, and a run never ends where it is not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import fault_tools as ft
import loewner
import pytest
from calibrated_models import bert_folder, weights_of, write_text
from loewner.transformers import calibration
from loewner.transformers.calibration import choice, memory, sequences
from loewner.transformers.calibration.effort import EffortOfTables
from static_models import model2vec
from tokenized_models import text
from transformers import BertModel

AMOUNT: dict[str, Any] = {"keep": 0.4, "method": "svd"}
CALIBRATION = "loewner.transformers.calibration"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("default") / "model")


@pytest.fixture(autouse=True)
def words_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "package_text", lambda: text(200))


@pytest.fixture
def blind(model: Path, tmp_path: Path) -> bytes:
    loewner.compress(model, tmp_path / "blind", text="none", **AMOUNT)
    return weights_of(tmp_path / "blind")


def require_note(report: loewner.CompressReport, reason: str) -> None:
    (note,) = report.notes
    assert note.startswith("tables are coded without calibration: ") and reason in note
    assert report.calibration is None


def test_the_text_of_the_package_is_the_default(model: Path, blind: bytes, tmp_path: Path) -> None:
    report = loewner.compress(model, tmp_path / "default", **AMOUNT)
    loewner.compress(model, tmp_path / "named", text="package", **AMOUNT)
    assert weights_of(tmp_path / "default") == weights_of(tmp_path / "named") != blind
    assert report.calibration is not None and report.calibration["text"] == "package" and not report.notes
    assert loewner.verify(tmp_path / "default", model).holds


def test_the_bytes_do_not_depend_on_the_number_of_threads(model: Path, tmp_path: Path) -> None:
    before = loewner.num_threads()
    try:
        for threads in (1, 3):
            loewner.set_num_threads(threads)
            loewner.compress(model, tmp_path / str(threads), **AMOUNT)
    finally:
        loewner.set_num_threads(before)
    assert weights_of(tmp_path / "1") == weights_of(tmp_path / "3")


@pytest.mark.parametrize(
    ("module", "reason"), [(None, "it needs torch and transformers"), (ModuleType(CALIBRATION), "cannot be imported")]
)
def test_torch_that_is_missing_or_broken(
    module: ModuleType | None,
    reason: str,
    model: Path,
    blind: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, CALIBRATION, module)
    require_note(loewner.compress(model, tmp_path / "out", **AMOUNT), reason)
    assert weights_of(tmp_path / "out") == blind
    with pytest.raises(ImportError, match=r"pip install 'loewner\[transformers\]'"):
        loewner.compress(model, tmp_path / "named", text="package", **AMOUNT)


def test_a_forward_that_fails(model: Path, blind: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BertModel, "forward", lambda *_, **__: 1 / 0)
    require_note(loewner.compress(model, tmp_path / "out", **AMOUNT), "division by zero")
    assert weights_of(tmp_path / "out") == blind
    with pytest.raises(ValueError, match="division by zero"):
        loewner.compress(model, tmp_path / "named", text="package", **AMOUNT)


def test_a_folder_without_a_tokenizer(model: Path, tmp_path: Path) -> None:
    without = Path(shutil.copytree(model, tmp_path / "model"))
    for file in without.glob("tokenizer*"):
        file.unlink()
    require_note(loewner.compress(without, tmp_path / "out", **AMOUNT), "the folder has no tokenizer")


def test_too_little_memory(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_PROGRAM", 5 << 30)
    require_note(loewner.compress(model, tmp_path / "out", max_memory="4GB", **AMOUNT), "MiB of memory")
    with pytest.raises(ValueError, match="MiB of memory"):
        loewner.compress(model, tmp_path / "named", text="package", max_memory="4GB", **AMOUNT)


def test_a_large_model_is_calibrated_when_the_user_says_so(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "MOST_PARAMETERS", 100)
    require_note(loewner.compress(model, tmp_path / "out", **AMOUNT), "text 'package'")
    assert loewner.compress(model, tmp_path / "named", text="package", **AMOUNT).calibration is not None


def test_larger_models_see_fewer_tokens() -> None:
    small, large, huge = (EffortOfTables.alone(False, 10**power) for power in (7, 9, 12))
    assert small.tokens > large.tokens == huge.tokens > 0
    assert EffortOfTables.alone(True, 10**12).tokens >= small.tokens  # the user's own text


@pytest.mark.parametrize(
    "options",
    [
        {"keep": 0.4, "method": "codes"},
        {"keep": 0.4, "method": "svd", "row_weights": "none"},
        {"max_error": 0.5, "method": "svd"},
    ],
)
def test_options_that_mean_the_errors_of_the_table(options: dict[str, Any], model: Path, tmp_path: Path) -> None:
    report = loewner.compress(model, tmp_path / "out", **options)
    assert report.calibration is None and not report.notes
    loewner.compress(model, tmp_path / "blind", text="none", **options)
    assert weights_of(tmp_path / "out") == weights_of(tmp_path / "blind")


def test_equal_row_weights_can_be_calibrated(model: Path, tmp_path: Path) -> None:
    report = loewner.compress(model, tmp_path / "out", text="package", row_weights="none", **AMOUNT)
    assert report.calibration is not None


def test_counts_of_tokens_join_the_default(model: Path, tmp_path: Path) -> None:
    loewner.calibrate(model, tmp_path / "counts", text=write_text(tmp_path / "lines.txt"))
    report = loewner.compress(model, tmp_path / "out", row_weights=tmp_path / "counts", **AMOUNT)
    assert report.calibration is not None and "token counts" in report.tensors[0].row_weights


def test_a_static_model_is_its_table(tmp_path: Path) -> None:
    report = loewner.compress(model2vec(tmp_path / "model"), tmp_path / "out", bits=5)
    assert report.calibration is None and not report.notes


def test_work_that_is_refused_loads_no_torch(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "compress_calibrated", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # control
        loewner.compress(model, tmp_path / "out", **AMOUNT)
    (tmp_path / "out").mkdir()
    with pytest.raises(loewner.IoError, match="already exists"):
        loewner.compress(model, tmp_path / "out", **AMOUNT)
    with pytest.raises(ValueError, match="keep"):
        loewner.compress(model, tmp_path / "other", keep=2.0)
    with pytest.raises(loewner.IoError, match="absent"):
        loewner.compress(tmp_path / "absent", tmp_path / "other", **AMOUNT)
    assert not (tmp_path / "other").exists() and not (tmp_path / "other.partial").exists()


def test_workers_write_what_one_process_writes_without_a_text(model: Path, tmp_path: Path) -> None:
    options = ("--keep", 0.4, "--method", "svd")
    for step in (("--worker", "0/1"), ("--assemble",)):
        done = ft.run("compress", model, "-o", tmp_path / "out", *options, *step)
        assert (done.returncode, done.stderr) == (0, "")
    loewner.compress(model, tmp_path / "blind", text="none", **AMOUNT)
    assert weights_of(tmp_path / "out") == weights_of(tmp_path / "blind")
