# SPDX-License-Identifier: Apache-2.0
"""Where the files of a compressed ONNX model go: into one file, or a folder with onnx/model.onnx."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loewner._core import IfExists, IoError
from loewner._output_stage import OutputStage, require_apart, target_of
from loewner.onnx.other_files import copy_other_files, limit_mode
from loewner.onnx.reading import OnnxModel, open_onnx
from loewner.onnx.record import has_record
from loewner.onnx.writing import DataFiles, Files

FILE_IN_FOLDER = Path("onnx") / "model.onnx"


class Output:
    """The output of one run. Until it is published, all files are in OUT.partial."""

    def __init__(self, model: Path, source: OnnxModel, output: Path, if_exists: IfExists, dry_run: bool) -> None:
        self._source, self._if_exists, self._dry_run = source, if_exists, dry_run
        if dry_run:
            return
        if not output.name:
            raise ValueError("expected an output file or folder, got none")
        target = target_of(output)
        self._is_file = output.suffix == ".onnx"
        self._folder = model if model.is_dir() else None
        self._file = target if self._is_file else target / FILE_IN_FOLDER
        if self._folder is not None and not self._is_file:
            require_apart(self._folder, target)
        if source.path.resolve().is_relative_to(target):
            raise ValueError(f"{output}: the output must not be the model, or contain it")
        self._stage = OutputStage(
            target, if_exists, self._obstacle, work="compress ONNX", can_resume=True, is_file=self._is_file
        )

    def _obstacle(self, target: Path) -> str:
        """Why a path may not be replaced; empty if it is an output of loewner of the same kind."""
        is_output = self._is_file == target.is_file() and _holds_output(self._file)
        return "" if is_output else "it is no output of loewner"

    @contextmanager
    def work(self) -> Iterator[Path]:
        """The work folder. It stays after an interruption, for --resume."""
        if self._dry_run:
            with tempfile.TemporaryDirectory(prefix="loewner-") as temporary:
                yield Path(temporary)
            return
        with self._stage as stage:
            yield stage.unfinished

    def data_files(self) -> DataFiles:
        return DataFiles(self._source, self._file, self._if_exists == IfExists.overwrite)

    def publish(self, files: Files) -> None:
        """Moves the files to their places; a folder gets the model's other files and appears in one step."""
        self._stage.require_own()
        for path in (files.model, *files.data.values()):
            path.chmod(self._source.path.stat().st_mode & 0o777)
        if self._is_file:
            self._stage.publish_file(files.model, files.data)
            return
        root = self._stage.folder
        if self._folder is not None:
            copy_other_files(self._folder, root, lambda path: path.parts[0] in ("onnx", ".git", ".cache"))
        files.move_to(root / FILE_IN_FOLDER)
        limit_mode(self._source.path.parent, (root / FILE_IN_FOLDER).parent)
        self._stage.publish_folder()


def _holds_output(file: Path) -> bool:
    try:
        return has_record(open_onnx(file))
    except (IoError, FileNotFoundError):
        return False
