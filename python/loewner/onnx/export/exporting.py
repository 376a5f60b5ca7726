# SPDX-License-Identifier: Apache-2.0
"""A model folder as an ONNX file for stock runtimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

import loewner
from loewner._core import IfExists
from loewner._output_stage import OutputStage, require_apart, target_of
from loewner.onnx.export.dimension_names import separate_dimension_names
from loewner.onnx.export.folder import complete_folder, obstacle_to_replacing
from loewner.onnx.export.inlining import without_functions
from loewner.onnx.file_checksum import add_checksum
from loewner.onnx.graph import IR_VERSION
from loewner.onnx.record import Record
from loewner.onnx.replacing import Linear
from loewner.static_embedding import is_static_model

Progress = Callable[[str, float], None]
FOLDER, LARGEST = "onnx", 2**31 - 2**20  # a protobuf message is less than 2 GiB


@dataclass
class Exported:
    """A graph with the record of its encoded matrices. left_out: encoded tensors that it does not use."""

    proto: onnx.ModelProto
    record: Record
    inputs: list[str]
    output: str
    left_out: list[str]


def export_model(
    folder: Path,
    output: Path,
    *,
    name: str,
    linear: Linear,
    sentence: bool,
    inline: bool,
    if_exists: IfExists,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write `output`/onnx/`name` and the files beside it. Return the report."""
    tell = progress or (lambda task, share: None)
    if not (folder / "config.json").is_file() and not is_static_model(folder):
        raise OSError(f"{folder}: expected a model folder with a config.json")
    if Path(name).name != name or not name.endswith(".onnx"):
        raise ValueError(f"export: name must be a file name that ends in .onnx, got '{name}'")
    target = target_of(output)
    require_apart(folder, target)
    with OutputStage(target, if_exists, obstacle_to_replacing, work="export") as stage:
        exported = _graph_of(folder, linear, sentence, tell)
        proto = without_functions(exported.proto) if inline else exported.proto
        proto.producer_name, proto.producer_version = "loewner", loewner.__version__
        proto.ir_version = IR_VERSION
        proto.graph.name = "main"
        if exported.record.initializers:
            exported.record.write_to(proto)
        tell("checking", 0.8)
        stage.require_own()
        _write(proto, stage.folder / FOLDER / name)
        complete_folder(folder, stage.folder)
        stage.publish_folder()
    tell("", 1.0)
    size = sum(path.stat().st_size for path in (output / FOLDER).glob(f"{name}*"))
    return {
        "file": str(output / FOLDER / name),
        "bytes": size,
        "linear": linear,
        "inputs": exported.inputs,
        "output": exported.output,
        "encoded_tensors": list(exported.record.initializers),
        "left_out": exported.left_out,
    }


def _graph_of(folder: Path, linear: Linear, sentence: bool, tell: Progress) -> Exported:
    if is_static_model(folder):
        from loewner.onnx.export.static_graph import static_graph

        return static_graph(folder)
    from loewner.onnx.export.encoder_graph import encoder_graph  # needs torch

    return encoder_graph(folder, linear, sentence, tell)


def _write(proto: onnx.ModelProto, file: Path) -> None:
    """Write a file with the shapes of its values, and its data beside it if it is too large for one message."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if proto.ByteSize() > LARGEST:
        onnx.save(proto, file, save_as_external_data=True, location=f"{file.name}_data", size_threshold=1024)
        onnx.shape_inference.infer_shapes_path(file, file, strict_mode=True)
        onnx.checker.check_model(file, full_check=True)
        proto, data = onnx.load(file, load_external_data=False), file.with_name(f"{file.name}_data")
        separate_dimension_names(proto.graph)
        add_checksum(proto, {data.name: data})
    else:
        proto = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
        separate_dimension_names(proto.graph)
        onnx.checker.check_model(proto, full_check=True)
        add_checksum(proto, {})
    file.write_bytes(proto.SerializeToString(deterministic=True))
