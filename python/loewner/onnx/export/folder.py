# SPDX-License-Identifier: Apache-2.0
"""The folder of an exported model, which appears complete or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import TracebackType

from loewner._core import IfExists, IoError
from loewner._weight_files import INDEX

WEIGHTS = (".safetensors", ".bin", ".onnx", ".onnx_data", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf")
LEFT_OUT = ("README.md", INDEX, "pytorch_model.bin.index.json")
MARK = "loewner_export.json"  # says that a folder is an output of loewner


class NewFolder:
    """A folder beside the output, which takes its place at the end."""

    def __init__(self, output: Path, if_exists: IfExists, sources: list[Path]) -> None:
        output = output.absolute()
        for source in (path.resolve() for path in sources):
            if output.resolve() == source or output.resolve() in source.parents or source in output.resolve().parents:
                raise ValueError(f"{output}: the output must not be the model folder, contain it or lie in it")
        if not output.parent.is_dir():
            raise IoError(f"{output.parent}: must be a folder that exists")
        if output.exists():
            if if_exists != IfExists.overwrite:
                raise IoError(f"{output}: already exists; --overwrite replaces an output of loewner")
            if not output.is_dir() or (any(output.iterdir()) and not (output / MARK).is_file()):
                raise IoError(f"{output}: is neither an exported model of loewner nor an empty folder")
        self._output = output
        self.path = output.with_name(f"{output.name}.partial")

    def __enter__(self) -> NewFolder:
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def copy_others(self, model: Path) -> None:
        """Configuration, tokenizer and the like; config.json without the encoding, which is in the ONNX file."""
        for path in sorted(model.rglob("*")):
            relative = path.relative_to(model)
            hidden = any(part.startswith(".") or part == "onnx" for part in relative.parts)
            if not path.is_file() or hidden or path.suffix in WEIGHTS or path.name in LEFT_OUT:
                continue
            target = self.path / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        if (model / "config.json").is_file():  # a static model needs none
            config = json.loads((model / "config.json").read_text())
            config.pop("quantization_config", None)
            (self.path / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        (self.path / MARK).write_text("{}\n")

    def publish(self) -> None:
        """Rename the folder to the output. An old output is renamed first and removed afterwards."""
        old = self.path.with_name(f"{self.path.name}.replaced")
        shutil.rmtree(old, ignore_errors=True)
        if self._output.exists():
            self._output.rename(old)
        try:
            self.path.rename(self._output)
        except OSError:
            if old.exists():
                old.rename(self._output)
            raise
        shutil.rmtree(old, ignore_errors=True)
