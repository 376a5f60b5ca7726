# SPDX-License-Identifier: Apache-2.0
"""`compress`, `verify` and `expand` in Python: choices as words, and reports with the JSON of the command line."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import fault_tools as ft
import loewner
import pytest
from encoded_models import dense_folder
from loewner import _core
from loewner._reports import CompressReport, TensorReport, VerifyReport


def command_line_json(folder: Path, *arguments: object) -> dict[str, Any]:
    done = ft.run(*arguments, "--json", folder / "report.json", "--quiet")
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "report.json").read_text()))


def without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_seconds(entry) for key, entry in value.items() if key != "seconds"}
    return [without_seconds(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("method", [name.replace("_", "-") for name in loewner.Method.__members__])
def test_the_report_has_the_json_of_the_command_line(method: str, tmp_path: Path) -> None:
    model = dense_folder("bert")
    report = loewner.compress(model, tmp_path / "a", keep=0.9, method=method)
    said = command_line_json(tmp_path, "compress", model, "-o", tmp_path / "b", "--keep", 0.9, "--method", method)
    assert without_seconds(report.to_dict()) == without_seconds(said)
    assert list(report.to_dict()["tensors"][0]) == list(said["tensors"][0])
    assert json.loads(report.to_json()) == report.to_dict()
    checked = loewner.verify(tmp_path / "b", model)
    verified = command_line_json(tmp_path, "verify", tmp_path / "b", "--against", model)
    assert checked.to_dict() == verified
    assert CompressReport.from_dict(said).to_dict() == said and VerifyReport.from_dict(verified) == checked


def test_counts_of_single_methods_are_fields_in_json(tmp_path: Path) -> None:
    report = loewner.compress(dense_folder("bert"), tmp_path / "a", keep=0.7, method="subspaces", num_subspaces=3)
    tensor = report.tensors[0]
    data = tensor.to_dict()
    assert (tensor.counts["subspaces"], data["subspaces"], data["archetypes"]) == (3, 3, None)
    assert TensorReport.from_dict({**data, "later": 7}).counts["later"] == 7
    with pytest.raises(TypeError, match="structure"):
        TensorReport.from_dict({name: value for name, value in data.items() if name != "structure"})


def test_choices_are_words_or_members() -> None:
    model = dense_folder("bert")
    words = loewner.compress(model, keep=0.7, dry_run=True, method="coded-svd", selection="all", factor_format="f16")
    members = loewner.compress(
        model,
        keep=0.7,
        dry_run=True,
        method=loewner.Method.coded_svd,
        selection=loewner.Selection.all,
        factor_format=loewner.NumberFormat.f16,
    )
    assert without_seconds(words.to_dict()) == without_seconds(members.to_dict())
    automatic = loewner.compress(model, keep=0.7, dry_run=True, method=loewner.Method.auto)
    assert without_seconds(automatic.to_dict()) == without_seconds(
        loewner.compress(model, keep=0.7, dry_run=True).to_dict()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "automatic"}, "compress: method must be one of auto, svd, .*coded-svd, .*got 'automatic'"),
        ({"selection": "everything"}, "compress: selection must be one of embeddings, linear, all, got 'everything'"),
        ({"factor_format": "f64"}, "compress: factor_format must be one of f32, f16, bf16, got 'f64'"),
        ({"if_exists": 3}, "compress: if_exists must be one of refuse, resume, overwrite, got 3"),
        ({"max_memory": "12 parsec"}, "max_memory: expected a size such as 1.5GB, got '12 parsec'"),
    ],
)
def test_other_words_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loewner.compress(dense_folder("bert"), keep=0.7, dry_run=True, **options)


def test_an_option_that_no_method_has_is_refused() -> None:
    with pytest.raises(TypeError):
        loewner.compress(dense_folder("bert"), keep=0.7, dry_run=True, num_spaces=3)


def test_sizes_are_numbers_of_bytes_or_text() -> None:
    model = dense_folder("bert")
    size = (model / "model.safetensors").stat().st_size * 3 // 4
    reports = [
        loewner.compress(model, budget=budget, max_memory=memory, selection="all", dry_run=True)
        for budget, memory in ((size, 10**9), (f"{size / 1000} kB", "1GB"))
    ]
    assert without_seconds(reports[0].to_dict()) == without_seconds(reports[1].to_dict())


def test_paths_and_patterns_are_text_or_objects(tmp_path: Path) -> None:
    model = dense_folder("bert")
    one = loewner.compress(str(model), str(tmp_path / "a"), keep=0.7, include="query", exclude=["embeddings"])
    assert {tensor.name.split(".")[-2] for tensor in one.tensors} == {"query"}
    assert loewner.verify(str(tmp_path / "a"), str(model)).holds
    loewner.expand(str(tmp_path / "a"), str(tmp_path / "b"))
    with pytest.raises(loewner.IoError, match="exists"):
        loewner.expand(tmp_path / "a", tmp_path / "b")
    loewner.expand(tmp_path / "a", tmp_path / "b", if_exists="overwrite")


def test_reports_are_readable_and_cannot_be_changed(tmp_path: Path) -> None:
    model = dense_folder("bert")
    report = loewner.compress(model, tmp_path / "a", keep=0.7, method="svd")
    assert repr(report).startswith("<CompressReport: weights ") and "1 encoded tensor" in repr(report)
    assert f"{report.tensors[0].name}: 120 x 32, svd" in repr(report)
    assert repr(loewner.verify(tmp_path / "a", model)).startswith("<VerifyReport: verification succeeded, 1 encoded")
    with pytest.raises(AttributeError):
        report.notes = ()  # type: ignore[misc]
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    config["quantization_config"]["tensors"][report.tensors[0].name]["claims"]["relative_error"] *= 0.99
    (tmp_path / "a" / "config.json").write_text(json.dumps(config))
    failed = loewner.verify(tmp_path / "a", model)
    assert not failed.holds
    assert "verification FAILED" in repr(failed) and f"{report.tensors[0].name}: " in repr(failed)


@pytest.mark.parametrize("name", ["compress", "verify", "expand"])
def test_defaults_are_those_of_the_core(name: str) -> None:
    wrapped, core = inspect.signature(getattr(loewner, name)), getattr(_core, name).__nb_signature__[0]
    defaults = dict(zip(_names_with_defaults(core[0]), core[2], strict=True))
    for parameter in wrapped.parameters.values():
        if parameter.name in defaults and parameter.default is not parameter.empty:
            default = defaults[parameter.name]
            word = str(getattr(default, "name", "")).replace("_", "-")
            same = parameter.default in (default, word) or (parameter.default in (None, ()) and default in (0, [], ""))
            assert same, f"{parameter.name}: {parameter.default!r} is not {default!r}"


def _names_with_defaults(signature: str) -> list[str]:
    """The parameters whose default is \\0, \\1, ... in nanobind's signature."""
    parts = signature.partition("(")[2].split("= \\")[:-1]
    return [part.rpartition(":")[0].rpartition(",")[2].strip() for part in parts]


@pytest.mark.parametrize("verb", ["compress", "verify", "expand", "load"])
def test_docstrings_have_the_sections_of_numpydoc(verb: str) -> None:
    function = getattr(loewner, verb)
    text = inspect.getdoc(function) or ""
    sections = ["Parameters", "Returns", "Raises", "Notes", "Examples"]
    for section in sections if verb != "expand" else [s for s in sections if s != "Returns"]:
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    for name in inspect.signature(function).parameters:
        assert name in text
