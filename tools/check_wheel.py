# SPDX-License-Identifier: Apache-2.0
"""Checks a wheel: its tag, its requirements, its OpenBLAS; then installs and runs it where there is no compiler.

The wheel is installed into a new virtual environment whose PATH has no other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "clang++", "cmake", "ninja")

# A model of one matrix, written without numpy's help so that the compressed file is read by loewner alone.
MAKE_MODEL = """
import json, struct, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[1])
folder.mkdir()
table = np.random.default_rng(0).standard_normal((600, 48)).astype(np.float32)
header = {"embeddings.word_embeddings.weight": {"dtype": "F32", "shape": [600, 48], "data_offsets": [0, table.nbytes]}}
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + table.tobytes())
(folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 600, "hidden_size": 48}))
"""
IMPORT = """
import loewner, numpy as np
a = np.random.default_rng(0).standard_normal((500, 20), np.float32)
found = loewner.linalg.truncated_svd(a, 4).singular_values[:4]
assert np.allclose(found, np.linalg.svd(a, compute_uv=False)[:4], rtol=1e-5), found
"""


def faults_of(wheel: Path) -> list[str]:
    """What is wrong with the files of a wheel."""
    faults = []
    if not re.search(r"-manylinux_\d+_\d+_\w+\.whl$", wheel.name):
        faults.append(f"expected a manylinux tag, got {wheel.name}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        requirements = re.findall(r"^Requires-Dist: ([\w-]+)(?!.*extra ==)", archive.read(metadata).decode(), re.M)
    if requirements != ["numpy"]:
        faults.append(f"numpy must be the only requirement, got {requirements}")
    if not any(re.search(r"/libscipy_openblas[^/]*\.so$", name) for name in names):
        faults.append("the wheel lacks OpenBLAS")
    if not any("OPENBLAS" in name.upper() and "LICENSE" in name.upper() for name in names):
        faults.append("the wheel lacks the license of OpenBLAS")
    return faults


def run_without_compiler(wheel: Path, folder: Path) -> None:
    """Installs the wheel into an environment in `folder`, and uses the program and the package."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    environment = {**os.environ, "PATH": str(programs)}
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    present = [name for name in COMPILERS if (programs / name).exists()]
    if present:
        raise SystemExit(f"the environment must have no compiler, got {present}")

    def run(*command: str) -> None:
        print("  " + " ".join(Path(word).name for word in command if "\n" not in word), flush=True)
        program = str(programs / command[0])
        subprocess.run([program, *command[1:]], check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)

    run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", str(wheel))
    run("loewner", "--version")
    run("python", "-c", MAKE_MODEL, "MODEL")
    run("loewner", "compress", "MODEL", "-o", "OUT", "--bits", "4", "--row-weights", "none", "--quiet")
    run("loewner", "verify", "OUT", "--against", "MODEL", "--quiet")
    run("loewner", "expand", "OUT", "-o", "DENSE")
    json.loads((folder / "DENSE" / "config.json").read_text())
    run("python", "-c", IMPORT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel.resolve()
    if faults := faults_of(wheel):
        sys.exit("\n".join(f"{wheel.name}: {fault}" for fault in faults))
    print(f"{wheel.name}: installing and running it without a compiler")
    with tempfile.TemporaryDirectory() as folder:
        run_without_compiler(wheel, Path(folder))
    print(f"{wheel.name}: installs and runs, {wheel.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
