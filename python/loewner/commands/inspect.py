# SPDX-License-Identifier: Apache-2.0
"""`loewner inspect` of an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loewner.commands.common import Options, report
from loewner.commands.tables import aligned, megabytes
from loewner.onnx import require_onnx


def main(options: Options) -> None:
    require_onnx("inspect")
    from loewner.onnx.compress.inspection import inspect_onnx

    found = inspect_onnx(Path(options.model))
    report(options, found, _table(found))


def _table(found: dict[str, Any]) -> str:
    total = max(1, found["weights_bytes"])
    rows = [["initializer", "role", "used by", "shape", "type", "MB", "share"]]
    for tensor in found["tensors"]:
        rows.append(
            [
                tensor["name"],
                tensor["role"] + (" (transposed)" if tensor["transposed"] else ""),
                ", ".join(tensor["operators"]),
                " x ".join(map(str, tensor["shape"])),
                tensor["dtype"],
                megabytes(tensor["bytes"]),
                f"{100 * tensor['bytes'] / total:.1f}%",
            ]
        )
    files = f"{megabytes(total)} MB in {found['files']} file(s), opset {found['opset']}"
    last = f"{len(found['tensors'])} initializers, {files}"
    return "\n".join([aligned(rows, left=3), last])
