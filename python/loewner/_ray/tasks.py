# SPDX-License-Identifier: Apache-2.0
"""What the tasks do, in processes that Ray starts on the nodes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loewner import _core


@dataclass(frozen=True)
class Work:
    """What all tasks of a run need to know. Relative paths start at the folder of the driver."""

    start: str
    model: str
    output: str
    options: dict[str, Any]

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Goes to the folder of the driver.

        A folder that this node does not see is an IoError. Its own folder of that name would take the parts otherwise.
        """
        with contextlib.chdir(self.start) if Path(self.start).is_dir() else contextlib.nullcontext():
            for folder in (Path(self.model), Path(os.path.realpath(self.output) + ".partial")):
                if not folder.is_dir() or not any(folder.iterdir()):
                    raise _core.IoError(
                        f"node {socket.gethostname()} does not see {folder.absolute()}: on Ray, model and output are "
                        "folders that all nodes see at the same path"
                    )
            yield


def survey(work: Work, tensors: list[int], cpus: int) -> None:
    _core.set_num_threads(cpus)
    with work.opened():
        _core.survey_parts(work.model, work.output, tensors=tensors, **work.options)


def make(work: Work, tensors: list[int], cpus: int) -> None:
    _core.set_num_threads(cpus)
    with work.opened():
        _core.make_parts(work.model, work.output, tensors=tensors, **work.options)


def see(work: Work) -> None:
    with work.opened():
        pass
