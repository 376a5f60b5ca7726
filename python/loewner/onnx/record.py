# SPDX-License-Identifier: Apache-2.0
"""What loewner writes into the metadata of a file: specifications, claims, and which arrays replace what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from onnx import ModelProto, helper

from loewner._checksums import checksum_of_specification
from loewner._core import IoError
from loewner.onnx.reading import OnnxModel
from loewner.onnx.replacing import Probe, Replaced

METADATA_KEY = "loewner"
_OF_FOLDERS = ("added_fields", "base_card")  # fields of quantization_config


@dataclass
class Record:
    """The metadata of a file that `compress` made of an ONNX file, or `export` of a folder.

    initializers: of each tensor, those that its decoder replaces, with the values that nodes use instead (empty: rows
    are looked up), and the arrays of the decoder.
    """

    source: Literal["onnx", "folder"]
    quantization: dict[str, Any]
    initializers: dict[str, dict[str, Any]] = field(default_factory=dict)
    probes: dict[str, list[Probe]] = field(default_factory=dict)

    def add(self, name: str, owners: list[str], replaced: Replaced) -> None:
        """Notes how a tensor was replaced."""
        self.initializers[name] = {
            "replaces": {owner: replaced.values.get(owner, "") for owner in owners},
            "arrays": replaced.arrays,
        }
        self.probes[name] = replaced.probes

    @property
    def specs(self) -> dict[str, dict[str, Any]]:
        """The specifications of the tensors."""
        specs: dict[str, dict[str, Any]] = self.quantization["tensors"]
        return specs

    @property
    def roles(self) -> dict[str, str]:
        """The role of each tensor."""
        return {name: str(spec.get("role")) for name, spec in self.specs.items()}

    @property
    def replaced(self) -> dict[str, str]:
        """What nodes use instead of each initializer."""
        return {owner: value for entry in self.initializers.values() for owner, value in entry["replaces"].items()}

    def write_to(self, model: ModelProto) -> None:
        """Adds the record to the metadata of a model, whose other entries stay."""
        record = {
            "source": self.source,
            "quantization_config": _of_tensors(self.quantization, self.initializers),
            "initializers": self.initializers,
            "probes": {name: [probe._asdict() for probe in probes] for name, probes in self.probes.items()},
        }
        others = {entry.key: entry.value for entry in model.metadata_props}
        helper.set_model_props(model, {**others, METADATA_KEY: json.dumps(record)})


def has_record(model: OnnxModel) -> bool:
    """Whether loewner wrote a file."""
    return any(entry.key == METADATA_KEY for entry in model.proto.metadata_props)


def read_record(model: OnnxModel) -> Record:
    """The record of a file. Raises IoError if it has none, or a broken one."""
    text = next((entry.value for entry in model.proto.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise IoError(f"{model.path}: has no metadata of loewner: expected a file that compress or export wrote")
    try:
        data = json.loads(text)
        probes = {name: [Probe(**probe) for probe in given] for name, given in data["probes"].items()}
        record = Record(data["source"], data["quantization_config"], data["initializers"], probes)
        tensors = {name for name, spec in record.specs.items() if isinstance(spec, dict)}
        is_complete = tensors == set(record.specs) == set(record.initializers) == set(probes) and all(
            isinstance(text, str)
            for entry in record.initializers.values()
            for text in (*entry["replaces"].values(), *entry["arrays"])
        )
    except (json.JSONDecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise IoError(f"{model.path}: metadata of loewner are broken: {error!r}") from error
    if not is_complete:
        raise IoError(f"{model.path}: metadata of loewner name other tensors than they specify")
    return record


def _of_tensors(quantization: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The configuration of some tensors, without what only folders have, such as checksums of files."""
    checksums = quantization.get("checksums", {}).get("tensors", {})
    kept = {name: value for name, value in quantization.items() if name not in _OF_FOLDERS}
    kept["tensors"] = {name: quantization["tensors"][name] for name in chosen}
    kept["checksums"] = {"tensors": {name: checksums[name] for name in chosen if name in checksums}}
    kept["checksums"]["specification"] = checksum_of_specification(kept)
    return kept
