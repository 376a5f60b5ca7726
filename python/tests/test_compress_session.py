# SPDX-License-Identifier: Apache-2.0
"""`_core.CompressSession`: `compress` in steps, for callers that decide between the tensors."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
from encoded_models import dense_folder
from interruptible import interruptible
from loewner import _core

OPTIONS: dict[str, Any] = {"keep": 0.6, "selection": loewner.Selection.all, "method": loewner.Method.codes}


def session(output: Path, **more: Any) -> _core.CompressSession:
    return _core.CompressSession(dense_folder("bert"), output, **{**OPTIONS, **more})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "README.md"}


def encoded(opened: _core.CompressSession, number: int) -> np.ndarray[Any, Any]:
    matrix = opened.encode(number)
    assert matrix is not None
    return matrix


def encode_all(opened: _core.CompressSession) -> list[np.ndarray[Any, Any]]:
    opened.plan()
    return [encoded(opened, i) for i in range(len(opened.tensors))]


def test_a_tensor_that_no_encoding_makes_small_enough_is_copied(tmp_path: Path) -> None:
    only = "^embeddings.word_embeddings.weight$"
    with session(tmp_path / "b", keep=0.01, selection=loewner.Selection.embeddings, include=[only]) as opened:
        opened.plan()
        with pytest.raises(loewner.BudgetError, match="the budget leaves"):
            opened.encode(0)
    with session(tmp_path / "c", keep=0.01, selection=loewner.Selection.embeddings) as opened:
        opened.plan()
        assert opened.encode(0) is None
        with pytest.raises(loewner.BudgetError, match="the budget leaves"):
            opened.finish()


def test_the_output_is_that_of_compress(tmp_path: Path) -> None:
    report = loewner.compress(dense_folder("bert"), tmp_path / "a", **OPTIONS)
    with session(tmp_path / "b") as opened:
        opened.plan()
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(opened.encode, range(len(opened.tensors))))
        data = opened.finish()
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert [tensor.name for tensor in report.tensors] == [tensor["name"] for tensor in data["tensors"]]
    assert not (tmp_path / "b.partial" / "parts").exists()


def test_tensors_say_what_they_are(tmp_path: Path) -> None:
    with session(tmp_path / "b") as opened:
        by_name = {tensor.name: tensor for tensor in opened.tensors}
        table = by_name["embeddings.word_embeddings.weight"]
        layer = by_name["encoder.layer.0.intermediate.dense.weight"]
    assert (table.role, table.inputs) == ("token_embedding", None)
    assert (layer.role, layer.inputs, layer.done) == ("linear", "cols", False)
    with _core.CompressSession(dense_folder("gpt2_head"), tmp_path / "c", **OPTIONS) as opened:
        by_name = {tensor.name: tensor for tensor in opened.tensors}
    assert by_name["transformer.h.0.mlp.c_fc.weight"].inputs == "rows"


def test_plans_follow_importance_and_curves_have_points(tmp_path: Path) -> None:
    with session(tmp_path / "b", keep=0.45) as opened:
        before = opened.plan()
        largest = max(range(len(before)), key=lambda i: (before[i].bytes or 0) / opened.candidates(i)[0][0])
        after = opened.plan({largest: 1e-9})
        assert (after[largest].bytes or 0) < (before[largest].bytes or 0)
        assert (after[largest].error or 0) > (before[largest].error or 0)
        assert (after[largest].bytes, after[largest].error) in opened.candidates(largest)
        with pytest.raises(ValueError, match="must be positive and finite, got -1"):
            opened.plan({0: -1.0})


def test_a_trial_is_not_kept(tmp_path: Path) -> None:
    with session(tmp_path / "b") as opened:
        opened.plan()
        limit = (opened.plan()[1].bytes or 0) // 2
        matrix, size = opened.trial(1, limit)
        assert size <= limit and matrix.dtype == np.float32
        assert matrix.shape == (opened.tensors[1].rows, opened.tensors[1].cols)
        with pytest.raises(ValueError, match="is not encoded yet"):
            opened.decoded(1)


def test_leaving_keeps_parts_and_an_error_removes_them(tmp_path: Path) -> None:
    with session(tmp_path / "b") as opened:
        opened.plan()
        first = encoded(opened, 2)
    with session(tmp_path / "b", if_exists=loewner.IfExists.resume) as opened:
        assert [tensor.done for tensor in opened.tensors][:4] == [False, False, True, False]
        assert np.array_equal(opened.decoded(2), first)
        assert np.array_equal(encoded(opened, 2), first)  # nothing to do
    with pytest.raises(ZeroDivisionError), session(tmp_path / "b", if_exists=loewner.IfExists.resume):
        raise ZeroDivisionError
    assert not (tmp_path / "b.partial" / "state.json").exists()


def test_only_the_same_text_is_resumed(tmp_path: Path) -> None:
    with session(tmp_path / "b", text="one") as opened:
        opened.plan()
        opened.encode(0)
    with pytest.raises(loewner.IoError, match="with other options"):
        session(tmp_path / "b", text="two", if_exists=loewner.IfExists.resume)
    with session(tmp_path / "b", text="one", if_exists=loewner.IfExists.resume) as opened:
        assert opened.tensors[0].done


def test_a_complete_output_needs_no_work(tmp_path: Path) -> None:
    with session(tmp_path / "b", text="one") as opened:
        encode_all(opened)
        opened.finish()
    with session(tmp_path / "b", text="one", if_exists=loewner.IfExists.resume) as opened:
        assert opened.complete
        assert "already complete" in opened.finish()["notes"][-1]


def test_calibration_is_stored_and_reported(tmp_path: Path) -> None:
    with session(tmp_path / "b") as opened:
        encode_all(opened)
        name = opened.tensors[1].name
        data = opened.finish({"predicted": 0.01}, of_tensors={name: {"tokens": 5}}, notes=["a note"])
        assert "a note" in opened.table and name in opened.table
    report = loewner.CompressReport.from_dict(data)
    assert report.calibration == {"predicted": 0.01} and report.tensors[1].calibration == {"tokens": 5}
    assert report.to_dict() == data and report.notes == ("a note",)
    config = json.loads((tmp_path / "b" / "config.json").read_text())["quantization_config"]
    assert config["calibration"] == {"predicted": 0.01}
    assert config["tensors"][name]["calibration"] == {"tokens": 5}
    assert loewner.verify(tmp_path / "b", dense_folder("bert")).holds


def test_unknown_keywords_and_closed_sessions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'flavor'"):
        session(tmp_path / "b", flavor=1)
    with session(tmp_path / "b") as opened:
        pass
    with pytest.raises(ValueError, match="the session is closed"):
        opened.plan()


PROGRAM = """
import sys
from loewner import _core, Selection, Method
with _core.CompressSession(sys.argv[1], sys.argv[2], keep=.6, selection=Selection.all, method=Method.codes) as session:
    session.plan()
    session.encode(0)
    print("encoded", flush=True)
    while True:
        session.trial(1, 100000)
"""


def test_ctrl_c_keeps_the_parts(tmp_path: Path) -> None:
    with interruptible([sys.executable, "-c", PROGRAM, str(dense_folder("bert")), str(tmp_path / "b")]) as process:
        assert process.stdout is not None and process.stdout.readline() == "encoded\n"
        time.sleep(0.1)
        process.send_signal(2)
        assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    with session(tmp_path / "b", if_exists=loewner.IfExists.resume) as opened:
        assert opened.tensors[0].done
