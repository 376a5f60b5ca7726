# SPDX-License-Identifier: Apache-2.0
"""Options that make no sense: exit code 2 and one line that says what was expected and what came."""

from pathlib import Path

import fault_tools as ft
import pytest


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--keep", "0"], "keep must be above 0 and below 1, got 0"),
        (["--keep", "1"], "keep must be above 0 and below 1, got 1"),
        (["--keep", "-0.5"], "keep must be above 0"),
        (["--keep", "nan"], "keep must be above 0"),
        (["--keep", "half"], "half"),
        (["--max-error", "0"], "max_error must be above 0"),
        (["--max-error", "1.5"], "max_error must be above 0 and below 1, got 1.5"),
        (["--keep", "0.5", "--max-error", "0.1"], "--keep"),
        ([], "--keep"),
        (["--keep", "0.5", "--include", "a(b"], "invalid regular expression 'a(b'"),
        (["--keep", "0.5", "--exclude", "[z-a]"], "invalid regular expression '[z-a]'"),
        (["--keep", "0.5", "--exclude", "."], "no tensor is selected"),
        (["--keep", "0.5", "--norm-exponent", "0.5"], "norm_exponent must be finite and at least 1, got 0.5"),
        (["--keep", "0.5", "--norm-exponent", "inf"], "norm_exponent must be finite"),
        (["--keep", "0.5", "--norm-exponent", "two"], "two"),
        (["--keep", "0.5", "--method", "magic"], "magic"),
        (["--keep", "0.5", "--subspaces", "0"], "num_subspaces must be in [1, 256], got 0"),
        (["--keep", "0.5", "--subspaces", "1.5"], "--subspaces: expected K or auto"),
        (["--keep", "0.5", "--factor-format", "int3"], "int3"),
        (["--keep", "0.5", "--row-weights", "zipf:0"], "exponent"),
        (["--keep", "0.5", "--row-weights", "zipf:x"], "exponent must be a number, got 'x'"),
        (["--keep", "0.5", "--threads", "0"], "0"),
        (["--keep", "0.5", "--max-memory", "-1"], "-1"),
        (["--keep", "0.5", "--max-memory", "1 parsec"], "expected a size such as 1.5GB, got '1 parsec'"),
        (["--keep", "0.5", "--max-memory", "GB"], "expected a size such as 1.5GB, got 'GB'"),
        (["--keep", "0.5", "--max-memory", "1e300GB"], "expected a size such as 1.5GB"),
        (["--keep", "0.5", "--resume", "--overwrite"], "--resume"),
        (["--keep", "0.5", "--linear", "--all"], "--all"),
        (["--keep", "0.5", "--unknown"], "--unknown"),
    ],
)
def test_bad_options(tmp_path: Path, options: list[str], part: str) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    assert part in ft.refusal(2, "compress", model, "-o", out, *options, out=out)


@pytest.mark.parametrize("arguments", [[], ["shrink"], ["compress"], ["verify"], ["expand", "x"]])
def test_bad_commands(arguments: list[str]) -> None:
    ft.refusal(2, *arguments)


def test_an_output_is_needed(tmp_path: Path) -> None:
    assert "output" in ft.refusal(2, "compress", ft.write_model(tmp_path / "model"), "--keep", 0.5)


@pytest.mark.parametrize("output", ["model", "model/out", "."])
def test_the_model_is_never_overwritten(tmp_path: Path, output: str) -> None:
    model = ft.write_model(tmp_path / "model")
    before = ft.files_of(tmp_path)
    line = ft.refusal(2, "compress", model, "-o", tmp_path / output, "--keep", 0.6, "--overwrite")
    assert "the output must not be the model folder" in line
    assert ft.files_of(tmp_path) == before


@pytest.mark.parametrize("command", ["inspect", "compress", "verify", "expand"])
def test_help_is_no_error(command: str) -> None:
    done = ft.run(command, "--help")
    assert done.returncode == 0 and done.stderr == "" and command in done.stdout


@pytest.mark.parametrize("size", ["1.5GB", "300 MiB", "1e9", "2000000000", "0.5gib"])
def test_sizes_of_memory(tmp_path: Path, size: str) -> None:
    done = ft.run("compress", ft.write_model(tmp_path / "model"), "--keep", 0.6, "--max-memory", size, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", ["1", "2", "auto"])
def test_numbers_of_subspaces(tmp_path: Path, number: str) -> None:
    model, out = ft.write_model(tmp_path / "model"), tmp_path / "out"
    done = ft.run("compress", model, "-o", out, "--keep", 0.8, "--method", "subspaces", "--subspaces", number)
    assert (done.returncode, done.stderr) == (0, "")
