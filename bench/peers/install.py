# SPDX-License-Identifier: Apache-2.0
"""Installs the peers of requirements.txt one by one into the current environment and records failures.

requirements-dev.txt is the constraint file, so that no peer replaces torch by a version with GPU packages. The reasons
of failures go to peers-missing.json at the root of the environment, where the tables read them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONSTRAINTS = HERE.parents[1] / "requirements-dev.txt"
MISSING = Path(sys.prefix) / "peers-missing.json"


def reason(pip_output: str) -> str:
    """The line of pip's output that names the error."""
    errors = [line for line in pip_output.splitlines() if line.startswith("ERROR:")]
    return (errors or pip_output.splitlines() or ["pip failed without output"])[0].removeprefix("ERROR:").strip()


def installed(requirement: str) -> str | None:
    """Installs one requirement; returns None or the reason of the failure."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-c", str(CONSTRAINTS)]
    done = subprocess.run([*command, *requirement.split()], capture_output=True, text=True)
    return None if done.returncode == 0 else reason(done.stderr)


def main() -> None:
    lines = (HERE / "requirements.txt").read_text().splitlines()
    missing = {}
    for requirement in (line for line in lines if line and not line.startswith("#")):
        why = installed(requirement)
        print(f"{requirement}: {why or 'installed'}", flush=True)
        if why:
            missing[requirement.partition("==")[0]] = why
    MISSING.write_text(json.dumps(missing, indent=1) + "\n")


if __name__ == "__main__":
    main()
