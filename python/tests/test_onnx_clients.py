# SPDX-License-Identifier: Apache-2.0
"""Programs of others read exported folders as they are: fastembed, sentence-transformers, onnxruntime in C++, and old
releases of onnxruntime.

Each one runs in the first environment that has it: this one, or those whose interpreters the variable LOEWNER_CLIENTS
lists, as `make onnx-clients` does. A program that no environment has is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import onnxruntime
import pytest
import torch
import transformers
from encoded_models import VOCABULARY
from sentence_transformers import SentenceTransformer
from static_models import model2vec
from tokenized_models import save_tokenizer, text

ROOT = Path(__file__).resolve().parents[2]
WIDTH, TOLERANCE = 64, 1e-4
SENTENCES = [*text(3), "w1 w2"]
INTERPRETERS = [sys.executable, *filter(None, os.environ.get("LOEWNER_CLIENTS", "").split(os.pathsep))]

FASTEMBED = """
import sys
import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

folder, output, pooling, *sentences = sys.argv[1:]
TextEmbedding.add_custom_model(
    model="own",
    pooling=PoolingType[pooling],
    normalization=True,
    sources=ModelSource(hf="own"),
    dim=64,
    model_file="onnx/model.onnx",
)
np.save(output, list(TextEmbedding("own", specific_model_path=folder).embed(sentences)))
"""
SENTENCE_TRANSFORMERS = """
import sys
import numpy as np
from sentence_transformers import SentenceTransformer

folder, output, *sentences = sys.argv[1:]
np.save(output, SentenceTransformer(folder, backend="onnx", device="cpu").encode(sentences))
"""
ONNXRUNTIME = """
import sys
import numpy as np
import onnxruntime

file, output = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
ids = np.arange(1, 25).reshape(2, 12)
given = {value.name: np.zeros_like(ids) if "type" in value.name else ids for value in session.get_inputs()}
np.save(output, session.run(None, given | {"attention_mask": np.ones_like(ids)})[0])
"""


OPENVINO = """
import sys
import numpy as np
import openvino

file, output = sys.argv[1:]
model = openvino.compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
ids = np.arange(1, 25).reshape(2, 12)
given = {name: np.zeros_like(ids) if "type" in name else ids for name in (i.any_name for i in model.inputs)}
np.save(output, model(given | {"attention_mask": np.ones_like(ids)})[0])
"""


def interpreter(modules: str, condition: str = "True") -> str:
    """The first interpreter that has some modules, and for which an expression with them holds."""
    for candidate in INTERPRETERS:
        program = f"import {modules}; assert {condition}"
        if subprocess.run([candidate, "-c", program], capture_output=True).returncode == 0:
            return candidate
    pytest.skip(f"no environment has {modules}, {condition}")


def ran(client: str, program: str, *arguments: Any) -> Any:
    """What a client wrote into the file that is its second argument."""
    command = [client, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return np.load(arguments[1])


def write_modules(folder: Path) -> None:
    """A folder of transformers becomes one of sentence-transformers: mean pooling, then length 1."""
    kinds = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoded model with the tokenizer files of transformers 5."""
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=40,
    )
    folder = tmp_path_factory.mktemp("clients")
    transformers.BertModel(config).save_pretrained(folder / "model")
    save_tokenizer(folder / "model")
    write_modules(folder / "model")
    loewner.compress(folder / "model", folder / "small", selection="all", bits=4, text="none")
    return folder / "small"


@pytest.fixture(scope="module")
def exported(small: Path) -> dict[str, Path]:
    forms: dict[str, Any] = {"folded": {"linear": "folded"}, "int8": {}}
    forms["sentence"] = {**forms["folded"], "sentence": True}
    for form, options in forms.items():
        loewner.export(small, small.parent / form, **options)
    return {form: small.parent / form for form in forms}


@pytest.fixture(scope="module")
def expected(small: Path) -> Any:
    return SentenceTransformer(str(small), device="cpu").encode(SENTENCES)


@pytest.mark.parametrize(("form", "pooling"), [("folded", "MEAN"), ("sentence", "DISABLED")])
def test_fastembed(exported: dict[str, Path], expected: Any, tmp_path: Path, form: str, pooling: str) -> None:
    found = ran(interpreter("fastembed"), FASTEMBED, exported[form], tmp_path / "found.npy", pooling, *SENTENCES)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_sentence_transformers(exported: dict[str, Path], expected: Any, tmp_path: Path) -> None:
    client = interpreter("sentence_transformers, optimum.onnxruntime")
    found = ran(client, SENTENCE_TRANSFORMERS, exported["folded"], tmp_path / "found.npy", *SENTENCES)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("form", ["folded", "int8", "static"])
def test_another_release_of_onnxruntime(exported: dict[str, Path], small: Path, tmp_path: Path, form: str) -> None:
    client = interpreter("onnxruntime", f"onnxruntime.__version__ != '{onnxruntime.__version__}'")
    folder = exported.get(form, tmp_path / "static")
    if form == "static":
        loewner.compress(model2vec(tmp_path / "model"), tmp_path / "encoded", bits=4)
        loewner.export(tmp_path / "encoded", folder)
    file = folder / "onnx" / "model.onnx"
    found, ours = (ran(who, ONNXRUNTIME, file, tmp_path / "found.npy") for who in (client, sys.executable))
    tolerance = 0.1 if form == "int8" else TOLERANCE  # other kernels round inputs otherwise
    assert np.abs(found - ours).max() <= tolerance * np.abs(ours).max()


@pytest.mark.parametrize("linear", ["folded", "int8"])
@pytest.mark.parametrize("method", ["auto", "int4", "coded-svd", "subspaces"])
def test_openvino_runs_inlined_files(small: Path, tmp_path: Path, method: str, linear: str) -> None:
    client = interpreter("openvino")
    options: dict[str, Any] = {"keep": 0.3} if method == "int4" else {"bits": 4}
    loewner.compress(small.parent / "model", tmp_path / "small", selection="all", text="none", method=method, **options)
    for form, inline in (("plain", False), ("inline", True)):
        loewner.export(tmp_path / "small", tmp_path / form, linear=linear, inline=inline)
    files = {form: tmp_path / form / "onnx" / "model.onnx" for form in ("plain", "inline")}
    found = ran(client, OPENVINO, files["inline"], tmp_path / "found.npy")
    expected = ran(sys.executable, ONNXRUNTIME, files["plain"], tmp_path / "expected.npy")
    tolerance = 0.1 if linear == "int8" else TOLERANCE  # other kernels round inputs otherwise
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    with pytest.raises(AssertionError, match="No conversion rule"):
        ran(client, OPENVINO, files["plain"], tmp_path / "plain.npy")


def headers_of_onnxruntime() -> Path:
    places = [os.environ.get("ONNXRUNTIME_INCLUDE", ""), "/usr/include/onnxruntime", "/usr/local/include/onnxruntime"]
    found = next((Path(place) for place in places if place and (Path(place) / "onnxruntime_cxx_api.h").is_file()), None)
    return found or pytest.skip("the headers of onnxruntime are not installed (Debian 13: libonnxruntime-dev)")


def shared_library() -> Iterator[Path]:
    """That of the Python package, which serves older headers too."""
    yield from (Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*")


def test_the_example_in_cpp(exported: dict[str, Path], expected: Any, small: Path, tmp_path: Path) -> None:
    headers, library = headers_of_onnxruntime(), next(shared_library(), None)
    if library is None or shutil.which("g++") is None:
        pytest.skip("no shared library of onnxruntime, or no g++")
    (tmp_path / "libonnxruntime.so.1").symlink_to(library)
    source, program = ROOT / "examples" / "sentence_vector.cpp", tmp_path / "sentence_vector"
    options = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-isystem", str(headers), f"-Wl,-rpath,{tmp_path}"]
    subprocess.run(["g++", *options, str(source), f"{tmp_path}/libonnxruntime.so.1", "-o", program], check=True)
    ids = transformers.AutoTokenizer.from_pretrained(small)(SENTENCES[0])["input_ids"]
    command: list[Any] = [program, exported["sentence"] / "onnx" / "model.onnx", *map(str, ids)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    np.testing.assert_allclose([float(line) for line in printed.split()], expected[0], atol=TOLERANCE)
