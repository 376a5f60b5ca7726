# SPDX-License-Identifier: Apache-2.0
"""The folder of an exported model: how it is recognized, and what is in it beside the model file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from loewner._files import read_object
from loewner._weight_files import INDEX
from loewner.onnx.export.tokenizer_files import complete_tokenizer
from loewner.onnx.other_files import copy_other_files, limit_mode, mode_of_weights

LEFT_OUT = ("README.md", INDEX, "pytorch_model.bin.index.json")
MARK = "loewner_export.json"  # says that a folder is an output of loewner


def obstacle_to_replacing(target: Path) -> str:
    """Why a path may not be replaced; empty if it is an exported model or an empty folder."""
    if target.is_dir() and ((target / MARK).is_file() or not any(target.iterdir())):
        return ""
    return "it is neither an exported model of loewner nor an empty folder"


def complete_folder(model: Path, folder: Path) -> None:
    """Configuration, tokenizer and the like; config.json without the encoding, which is in the ONNX file.

    Files with weights get the permissions of the model's weights.
    """
    mode = mode_of_weights(model)
    for path in folder.rglob("*"):
        if path.is_dir():
            limit_mode(model, path)
        elif mode is not None:
            path.chmod(mode)
    copy_other_files(model, folder, _is_left_out)
    if (model / "config.json").is_file():  # a static model needs none
        config = read_object(model / "config.json")
        config.pop("quantization_config", None)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        shutil.copymode(model / "config.json", folder / "config.json")
    complete_tokenizer(folder)
    (folder / MARK).write_text("{}\n", encoding="utf-8")


def _is_left_out(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "onnx" for part in path.parts)
    return hidden or path.name in LEFT_OUT or path == Path("config.json")
