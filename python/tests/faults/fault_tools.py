# SPDX-License-Identifier: Apache-2.0
"""Made-up checkpoints, whole or spoiled, and the command line tool run on them."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TABLE = "embeddings.word_embeddings.weight"
CONFIG = {"model_type": "bert", "vocab_size": 400, "hidden_size": 32}
DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64"}
Tensors = Mapping[str, npt.NDArray[Any]]


def tool() -> list[str]:
    """The executable under test: LOEWNER_TOOL, or the script that the package installs."""
    return [os.environ.get("LOEWNER_TOOL", str(Path(sys.executable).parent / "loewner"))]


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = tool() + [str(argument) for argument in arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)


def refusal(code: int, *arguments: object, out: Path | None = None, **options: Any) -> str:
    """The line that a refused command prints: exactly one, with the exit code, and nothing of OUT is left."""
    done = run(*arguments, **options)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert done.stderr.startswith("loewner: ") and done.stderr.count("\n") == 1, done.stderr
    if out is not None:
        assert not out.exists()
        assert not out.with_name(out.name + ".partial").exists()
    return done.stderr


def table(rows: int = 400, cols: int = 32, seed: int = 1) -> npt.NDArray[np.float32]:
    """Low rank plus noise."""
    random = np.random.default_rng(seed)
    product = random.standard_normal((rows, 8)) @ random.standard_normal((8, cols))
    return np.asarray(product + 0.1 * random.standard_normal((rows, cols)), dtype=np.float32)


def tensors() -> dict[str, npt.NDArray[Any]]:
    return {TABLE: table(), "embeddings.LayerNorm.weight": np.ones(32, np.float32), "pooler.dense.weight": table(32)}


def large_tensors(layers: int) -> dict[str, npt.NDArray[Any]]:
    """Tensors whose compression takes long enough to be disturbed."""
    return {TABLE: table(20000, 128), **{f"layer.{i}.dense.weight": table(20000, 128, i) for i in range(layers)}}


def compress_all(model: Path, out: Path, *options: object) -> list[str]:
    """The arguments of a run that encodes every tensor without a calibration text."""
    return [str(word) for word in ("compress", model, "-o", out, "--all", "--text", "none", "--quiet", *options)]


def header_of(arrays: Tensors) -> dict[str, Any]:
    header, offset = {}, 0
    for name, array in arrays.items():
        end = offset + array.nbytes
        header[name] = {
            "dtype": DTYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    return header


def data_of(arrays: Tensors) -> bytes:
    return b"".join(array.tobytes() for array in arrays.values())


def write_file(path: Path, header: str | dict[str, Any], data: bytes, length: int | None = None) -> None:
    """A safetensors file with any header and data, and any length in front of them."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


def write_model(folder: Path, arrays: Tensors | None = None, config: dict[str, Any] | None = None) -> Path:
    arrays = tensors() if arrays is None else arrays
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    write_file(folder / "model.safetensors", header_of(arrays), data_of(arrays))
    return folder


def write_shards(folder: Path) -> Path:
    """Two shards and their index."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    weight_map = {}
    for number, (name, array) in enumerate(tensors().items()):
        shard = f"model-0000{number + 1}-of-00003.safetensors"
        write_file(folder / shard, header_of({name: array}), data_of({name: array}))
        weight_map[name] = shard
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
