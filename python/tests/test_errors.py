# SPDX-License-Identifier: Apache-2.0
"""Each kind of error of the core arrives as its kind in Python."""

from __future__ import annotations

import sys
from pathlib import Path

import loewner
import numpy as np
import pytest
from encoded_models import dense_folder
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
