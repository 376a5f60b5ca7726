# SPDX-License-Identifier: Apache-2.0
"""Where the files of a compressed ONNX model go: into one file, or a folder with onnx/model.onnx."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loewner._core import IfExists, IoError
from loewner.onnx.reading import OnnxModel, open_onnx
from loewner.onnx.record import has_record
from loewner.onnx.writing import DataFiles, Files

FILE_IN_FOLDER = Path("onnx") / "model.onnx"
WEIGHTS = (".safetensors", ".bin", ".onnx", ".onnx_data", ".data", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".gguf")


class Output:
    """The output of one run. Until it is published, all files are in a work folder beside it."""

    def __init__(self, model: Path, source: OnnxModel, output: Path, if_exists: IfExists, dry_run: bool) -> None:
        self._source, self._output, self._if_exists, self._dry_run = source, output, if_exists, dry_run
        if dry_run:
            return
        if not output.name:
            raise ValueError("expected an output file or folder, got none")
        self._is_file = output.suffix == ".onnx"
        self._folder = model if model.is_dir() else None
        self._file = output if self._is_file else output / FILE_IN_FOLDER
        if not output.parent.is_dir():
            raise IoError(f"{output.parent}: must be a folder that exists")
        if output.exists():
            self._require_replaceable()

    def _require_replaceable(self) -> None:
        same = self._source.path.resolve()
        if self._output.resolve() in (same, *same.parents):
            raise ValueError(f"{self._output}: the output must not be the model, or contain it")
        if self._if_exists != IfExists.overwrite:
            raise IoError(f"{self._output}: already exists; --overwrite replaces an output of loewner")
        if self._is_file != self._output.is_file() or not _holds_output(self._file):
            raise IoError(f"{self._output}: is no output of loewner, and is not replaced")

    @contextmanager
    def work(self) -> Iterator[Path]:
        """The work folder. It stays after an interruption, for --resume."""
        if self._dry_run:
            with tempfile.TemporaryDirectory(prefix="loewner-") as temporary:
                yield Path(temporary)
            return
        folder = self._output.with_name(f"{self._output.name}.partial")
        if folder.exists():
            if self._if_exists == IfExists.refuse:
                raise IoError(f"{folder}: an unfinished output exists; --resume continues it, --overwrite starts again")
            if self._if_exists == IfExists.overwrite:
                shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        try:
            yield folder
        except KeyboardInterrupt:
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder)

    def data_files(self) -> DataFiles:
        return DataFiles(self._source, self._file, self._if_exists == IfExists.overwrite)

    def publish(self, files: Files) -> None:
        """Moves the files to their places; a folder gets the model's other files and appears in one step."""
        if self._is_file:
            files.publish(self._output)
            return
        root = files.model.parent.with_name("folder")
        shutil.rmtree(root, ignore_errors=True)
        (root / "onnx").mkdir(parents=True)
        files.publish(root / FILE_IN_FOLDER)
        if self._folder is not None:
            _copy_others(self._folder, root)
        if self._output.exists():
            self._output.replace(root.with_name("replaced"))
        root.replace(self._output)


def _holds_output(file: Path) -> bool:
    try:
        return has_record(open_onnx(file))
    except (IoError, FileNotFoundError):
        return False


def _copy_others(model: Path, root: Path) -> None:
    """Configuration, tokenizer and the like: the small files at the top and in folders such as 1_Pooling."""
    for path in sorted(model.rglob("*")):
        relative = path.relative_to(model)
        skipped = relative.parts[0] in ("onnx", ".git", ".cache") or path.suffix in WEIGHTS
        if path.is_file() and not skipped:
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / relative)
