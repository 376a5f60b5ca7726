# SPDX-License-Identifier: Apache-2.0
"""Checksums of outputs, computed by a second implementation, and after transformers saved the model again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import checksum_reader
import loewner
import numpy as np
import pytest
from encoded_models import dense_folder, encode_folder
from loewner.transformers.specification import require_fields
from test_coded_models import CODED, KEEP, compressed, load

TABLE = "embeddings.word_embeddings.weight"


def quantization(folder: Path) -> Any:
    return json.loads((folder / "config.json").read_text())["quantization_config"]


def change_specification(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"]["tensors"][TABLE].update(changes)
    (folder / "config.json").write_text(json.dumps(config))


def unnoticed_flips(folder: Path, name: str, first: int, last: int, count: int) -> list[int]:
    """The bits of bytes first to last - 1 of a file, of `count` chosen at random, whose flips verify does not find."""
    content = (folder / name).read_bytes()
    found = []
    for bit in np.random.default_rng(1).integers(8 * first, 8 * last, count):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << int(bit % 8)
        (folder / name).write_bytes(damaged)
        try:
            if loewner.verify(folder).holds:
                found.append(int(bit))
        except loewner.IoError:
            pass
    (folder / name).write_bytes(content)
    assert loewner.verify(folder).holds
    return found


@pytest.mark.parametrize("method", [*CODED, *KEEP])
def test_a_second_reader_computes_the_same_checksums(method: Any, tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", method)
    assert checksum_reader.checksums(folder) == quantization(folder)["checksums"]
    assert loewner.verify(folder).holds


@pytest.mark.parametrize("method", [*CODED, *KEEP])
@pytest.mark.parametrize("memory", ["dense", "small"])
def test_saving_renews_them(method: Any, memory: str, tmp_path: Path) -> None:
    folder, again = compressed("bert", tmp_path / "small", method, selection="embeddings"), tmp_path / "again"
    load("bert", folder, memory=memory).save_pretrained(again)
    assert set(quantization(again)["checksums"]) == {"specification", "tensors"}
    assert checksum_reader.checksums(again) == quantization(again)["checksums"]
    for model in (None, dense_folder("bert")):
        report = loewner.verify(again, model)
        assert report.holds, report
        assert "the model was saved again: only the encoded tensors have checksums" in report.notes


@pytest.mark.parametrize("family", ["bart", "gpt2_head", "llama_head", "t5"])
def test_saving_models_with_ties_renews_them(family: str, tmp_path: Path) -> None:
    folder, again = compressed(family, tmp_path / "small", "codes", selection="all"), tmp_path / "again"
    load(family, folder).save_pretrained(again)
    report = loewner.verify(again)
    assert report.holds, report


def test_flips_are_found_after_saving(tmp_path: Path) -> None:
    again = tmp_path / "again"
    load("bert", compressed("bert", tmp_path / "small", "codes")).save_pretrained(again)
    text = (again / "config.json").read_bytes()
    first = text.index(b'"quantization_config"')
    last = text.index(b'"tensors"', text.index(b'"producer"'))
    assert unnoticed_flips(again, "config.json", first, last, 60) == []
    weights = (again / "model.safetensors").read_bytes()
    length = int.from_bytes(weights[:8], "little")
    begin, end = json.loads(weights[8 : 8 + length])["embeddings.word_embeddings.codes"]["data_offsets"]
    assert unnoticed_flips(again, "model.safetensors", 8 + length + begin, 8 + length + end, 40) == []


def test_a_changed_model_is_saved_with_its_own_checksums(tmp_path: Path) -> None:
    folder, again = compressed("bert", tmp_path / "small", "svd"), tmp_path / "again"
    model = load("bert", folder)
    model.get_input_embeddings().left.data *= 2
    model.save_pretrained(again)
    assert loewner.verify(again).holds
    assert not loewner.verify(again, dense_folder("bert")).holds  # the claims are those of the old factor
    before, after = (quantization(f)["checksums"]["tensors"][TABLE] for f in (folder, again))
    assert before != after


def test_saving_the_configuration_alone_keeps_what_holds(tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", "svd")
    model = load("bert", folder)
    model.config.save_pretrained(folder)
    report = loewner.verify(folder)
    assert report.holds, report
    assert "config" not in quantization(folder)["checksums"]


def test_an_old_folder_stays_one_when_it_is_saved(tmp_path: Path) -> None:
    encoded = encode_folder(dense_folder("bert"), tmp_path / "small", [TABLE])
    load("bert", encoded).save_pretrained(tmp_path / "again")
    assert quantization(tmp_path / "again") == quantization(encoded)


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        *[("codes", {"scale_exponent": wrong}) for wrong in (1.5, True, 2**31, 201, "1", None)],
        *[("codes", {"rotation_seed": wrong}) for wrong in (-1, 2**64, 1.0, False)],
        *[("codes", {"has_shared": wrong}) for wrong in (1, "true", None)],
        *[("svd", {"rank": wrong}) for wrong in (True, 4.0, 0, -1, "4")],
        *[("svd", {"format": wrong}) for wrong in ("int8", 16, None)],
        *[("svd", {"source_dtype": wrong}) for wrong in ("I8", -1, None, "f32")],
        *[("svd", {"tied": wrong}) for wrong in (3, [1], "a")],
        ("int4", {"bits": 4.0}),
        ("int4", {"group": 0}),
        ("subspaces", {"sizes": 3}),
        ("archetypes", {"per_row": True}),
        ("coded-svd", {"left": 3}),
    ],
)
def test_fields_of_another_type_are_refused_by_name(method: Any, changes: dict[str, Any], tmp_path: Path) -> None:
    folder = compressed("bert", tmp_path / "small", method, selection="embeddings")
    change_specification(folder, **changes)
    with pytest.raises(ValueError, match=f"tensor '{TABLE}': field '{next(iter(changes))}' must be"):
        load("bert", folder)


CODES: dict[str, Any] = {
    "structure": "codes",
    "rows": 4,
    "cols": 3,
    "rotation_seed": 1,
    "scale_exponent": 0,
    "code_bytes": 6,
    "has_shared": False,
}
INPUT_CODES: dict[str, Any] = {
    "structure": "input_codes",
    "rows": 3,
    "cols": 4,
    "inputs": "cols",
    "codes": CODES,
}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *[("inputs", wrong) for wrong in ("columns", 0, None)],
        *[("input_rotation_seed", wrong) for wrong in (-1, 2**64, 1.0, True, None)],
        *[("codes", wrong) for wrong in (3, None, "codes")],
    ],
)
def test_fields_of_input_codes_are_refused_by_name(field: str, wrong: Any) -> None:
    require_fields({**INPUT_CODES, "input_rotation_seed": 2**64 - 1})
    with pytest.raises(ValueError, match=f"field '{field}' must be"):
        require_fields({**INPUT_CODES, field: wrong})


@pytest.mark.parametrize("wrong", [1.5, -1, True, "6"])
def test_fields_of_nested_specifications_are_refused_by_name(wrong: Any) -> None:
    with pytest.raises(ValueError, match="field 'code_bytes' must be"):
        require_fields({**INPUT_CODES, "codes": {**CODES, "code_bytes": wrong}})


def test_counts_are_read_only_from_the_named_file(tmp_path: Path) -> None:
    counts = tmp_path / "counts.tsv"
    counts.write_text("7\t100\n")
    folder = compressed("bert", tmp_path / "small", "svd", row_weights=counts)
    assert loewner.verify(folder, dense_folder("bert"), row_weights=counts).notes == ()
    counts.write_text("secret\n")
    report = loewner.verify(folder, dense_folder("bert"))
    assert report.holds and "weighted errors are not checked" in report.notes[0]
