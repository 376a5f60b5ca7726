# SPDX-License-Identifier: Apache-2.0
"""The script `loewner`: commands of the registry, help, shell completion, colors."""

from __future__ import annotations

import os
import pkgutil
import pty
import re
import shutil
import subprocess
from pathlib import Path

import fault_tools as ft
import loewner.commands
import pytest

MODULES_WITHOUT_COMMAND = {"common", "gathering", "tables"}


def commands() -> list[str]:
    """The commands that `loewner --help` lists."""
    section = ft.run("--help").stdout.split("Options:")[0].split("Commands:")[1]
    return re.findall(r"^  (\w+) ", section, re.MULTILINE)


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the script prints when its standard output and error are a terminal."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **environment}
    process = subprocess.Popen(ft.tool() + list(arguments), stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    printed = b""
    try:
        while block := os.read(controller, 4096):
            printed += block
    except OSError:  # the end of a terminal
        pass
    process.wait(timeout=60)
    os.close(controller)
    return printed.decode()


def completed(shell_line: str, word: int, folder: Path) -> list[str]:
    """What bash offers for a word of a line, with the script that `loewner completion bash` prints."""
    script = ft.run("completion", "bash").stdout
    words = " ".join(f"'{part}'" for part in shell_line.split(" "))
    program = f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={word}; _loewner\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, cwd=folder, timeout=60)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_every_module_of_a_command_is_in_the_registry() -> None:
    modules = {module.name for module in pkgutil.iter_modules(loewner.commands.__path__)} - MODULES_WITHOUT_COMMAND
    assert modules == {"calibrate", "compress", "eval", "export", "inspect", "plot", "refit", "report", "verify"}
    assert modules < set(commands())


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = ft.run(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^Examples?:\n  loewner {command} ", done.stdout, re.MULTILINE)
    assert done.stdout.startswith(f"loewner {command}: ")


@pytest.mark.parametrize(
    ("command", "option"),
    [("calibrate m --text t -o c --threads 2", "--threads"), ("expand m -o d --json r", "--json")],
)
def test_an_option_that_a_command_does_not_obey_is_refused(command: str, option: str) -> None:
    assert f"unknown argument {option} " in ft.refusal(2, *command.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "a command is needed"), (["squeeze", "m"], "unknown command squeeze"), (["--all"], "unknown argument --all")],
)
def test_a_line_without_a_command_is_refused(arguments: list[str], message: str) -> None:
    assert f"{message} (see loewner --help)" in ft.refusal(2, *arguments)


def test_the_version_names_commit_and_blas() -> None:
    first, second = ft.run("--version").stdout.splitlines()
    assert re.fullmatch(rf"loewner {re.escape(loewner.__version__)} \(commit (unknown|[0-9a-f]+(-dirty)?)\)", first)
    assert re.fullmatch(r"OpenBLAS \d+\.\d+\.\d+\S*, \w+ kernels", second)


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    assert completed("loewner comp", 1, tmp_path) == ["compress", "completion"]
    assert completed("loewner compress MODEL --max", 3, tmp_path) == ["--max-error", "--max-memory"]
    assert completed("loewner compress MODEL --method co", 4, tmp_path) == ["codes", "coded-svd"]
    assert completed("loewner plot OUT --format ", 4, tmp_path) == ["svg", "png"]
    assert completed("loewner compress MODEL --seed ", 4, tmp_path) == [""]
    assert completed("loewner completion ", 2, tmp_path) == ["bash", "zsh", "fish"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands_and_values(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(ft.run("completion", "fish").stdout)

    def offered(line: str) -> set[str]:
        program = f"source {tmp_path / 'script'}; complete -C '{line}'"
        done = subprocess.run(["fish", "-c", program], capture_output=True, text=True, check=True, timeout=60)
        return {offer.split("\t")[0] for offer in done.stdout.splitlines()}

    assert offered("loewner comp") == {"compress", "completion"}
    assert offered("loewner compress MODEL --method co") == {"codes", "coded-svd"}
    assert offered("loewner compress MODEL --max") == {"--max-error", "--max-memory"}


def test_bash_completes_folders_and_files(tmp_path: Path) -> None:
    (tmp_path / "my model").mkdir()
    (tmp_path / "my file").touch()
    assert completed("loewner expand m", 2, tmp_path) == ["my model"]
    assert sorted(completed("loewner inspect MODEL --json m", 4, tmp_path)) == ["my file", "my model"]


@pytest.mark.parametrize(
    ("shell", "check"),
    [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])],
)
def test_completion_scripts_are_valid(shell: str, check: list[str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(ft.run("completion", shell).stdout)
    done = subprocess.run([shell, *check, str(tmp_path / "script")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_colors_are_for_terminals() -> None:
    assert "\033[1mUsage:\033[0m" in on_a_terminal("--help")
    assert "\033[1;31mloewner:\033[0m" in on_a_terminal("shrink")
    assert "\033" not in ft.run("--help").stdout + ft.run("shrink").stderr


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colors_can_be_switched_off(environment: dict[str, str]) -> None:
    assert "\033" not in on_a_terminal("--help", **environment)
