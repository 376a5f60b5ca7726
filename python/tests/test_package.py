# SPDX-License-Identifier: Apache-2.0
"""What the package promises beside its functions: stubs, a light import, one command line, a relocatable extension."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import loewner
import pytest
from encoded_models import dense_folder, outputs
from loewner import _core

PACKAGE = Path(loewner.__file__).parent


def run(code: str, **environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=True
    )
    return process.stdout.strip()


ROOMS = ["attention", "cluster", "linalg", "lowrank", "norms", "regression", "sketch"]


@pytest.fixture(scope="session")
def generated_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a process of its own: pickling adds attributes to classes."""
    folder = tmp_path_factory.mktemp("stubs")
    modules = [word for name in ["_core", *ROOMS] for word in ("-m", f"loewner.{name}")]
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-q", *modules, "-O", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("name", ["_core", *ROOMS])
def test_the_committed_stub_is_the_generated_one(name: str, generated_stubs: Path) -> None:
    assert (generated_stubs / f"{name}.pyi").read_text() == (PACKAGE / f"{name}.pyi").read_text()


# Only the package itself uses these names of the core.
PRIVATE = {"run_command_line", "store_refit", "claimed_report", "read_vocabulary", "study_tensor", "version"}
PRIVATE |= {"Candidate", "TensorRows", "TensorStudy", "TokenKind", "Vocabulary", "parse_byte_size", "hash64"}
PRIVATE |= {"CompressSession", "PlannedTensor", "SessionTensor", "encode_input_codes"}
PRIVATE |= {"trellis_levels", "rotation_signs", "MomentsUse", "weighs_outputs", "write_moments_file"}
PRIVATE |= {"token_frequencies", "weighs_channels", "set_thread_team"}
PRIVATE |= {"PartToMake", "WorkersRun", "assemble_parts", "make_parts", "survey_parts"}
# Python defines these. Three of them wrap a function of the core.
PYTHON = {"load", "calibrate", "compress", "expand", "export", "verify"}
PYTHON |= {"CalibrateReport", "CompressReport", "ExportReport", "TensorReport", "VerifyReport"}


def public_names(module: ModuleType) -> set[str]:
    return {name for name in vars(module) if not name.startswith("_")}


def test_every_public_name_is_exported_once() -> None:
    assert set(loewner.__all__) == public_names(_core) - PRIVATE | PYTHON
    assert len(loewner.__all__) <= 45
    exported = list(loewner.__all__)
    for name in ROOMS:
        module = getattr(loewner, name)
        assert set(module.__all__) == public_names(getattr(_core, name))
        exported += module.__all__
    assert len(exported) == len(set(exported))


@pytest.mark.parametrize("name", ROOMS)
def test_names_of_a_submodule_say_where_they_are(name: str) -> None:
    module = getattr(loewner, name)
    assert {getattr(module, public).__module__ for public in module.__all__} == {f"loewner.{name}"}


def test_the_version_is_that_of_the_project() -> None:
    assert loewner.__version__.count(".") == 2


@pytest.mark.parametrize("module", ["torch", "transformers", "ray"])
def test_importing_loewner_imports_no_large_package(module: str) -> None:
    assert run(f"import sys, loewner; print('{module}' in sys.modules)") == "False"


@pytest.mark.parametrize("order", ["import loewner, transformers", "import transformers.modeling_utils, loewner"])
def test_the_quantizer_is_registered_whichever_is_imported_first(order: str) -> None:
    code = f"{order}\nfrom transformers import AutoModel, PreTrainedModel\nfrom transformers.quantizers import auto\n"
    assert run(f"{code}print('loewner' in auto.AUTO_QUANTIZER_MAPPING)") == "True"


def test_the_command_line_is_that_of_the_executable(capfd: pytest.CaptureFixture[str]) -> None:
    assert _core.run_command_line(["--version"]) == 0
    assert capfd.readouterr().out.startswith(f"loewner {loewner.__version__} (commit ")
    assert _core.run_command_line(["no-such-command"]) == 2


def test_the_command_line_and_the_function_write_the_same_model(tmp_path: Path) -> None:
    model = dense_folder("bert_masked")
    report = loewner.compress(model, tmp_path / "a", keep=0.7)
    assert _core.run_command_line(["compress", str(model), "-o", str(tmp_path / "b"), "--keep", "0.7", "--quiet"]) == 0
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    assert report.tensors[0].name.endswith("word_embeddings.weight")


def test_what_compress_writes_is_loaded_and_expand_gives_the_same_answers(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForMaskedLM

    loewner.compress(dense_folder("bert_masked"), tmp_path / "encoded", keep=0.7)
    loewner.expand(tmp_path / "encoded", tmp_path / "expanded")
    encoded, expanded = (AutoModelForMaskedLM.from_pretrained(tmp_path / name) for name in ("encoded", "expanded"))
    torch.testing.assert_close(outputs(encoded), outputs(expanded), rtol=1e-4, atol=1e-4)
    assert loewner.verify(tmp_path / "encoded", dense_folder("bert_masked")).holds
