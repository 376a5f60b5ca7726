# SPDX-License-Identifier: Apache-2.0
"""What the tasks do, in processes that Ray starts on the nodes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._output_stage import stage_of
from loewner._urls.cache import fetched_file, fetched_model
from loewner._urls.remote_folder import is_url
from loewner._urls.remote_stage import output_of_task


@dataclass(frozen=True)
class Work:
    """What all tasks of a run need to know. Relative paths start at the folder of the driver."""

    start: str
    model: str
    output: str
    options: dict[str, Any]

    @contextlib.contextmanager
    def opened(self, tensors: Sequence[int]) -> Iterator[Work]:
        """Goes to the folder of the driver. Gives the work on this node, for a task that makes these tensors.

        A folder that this node does not see is an IoError. Its own folder of that name would take the parts otherwise.
        """
        with contextlib.ExitStack() as stack:
            if Path(self.start).is_dir():
                stack.enter_context(contextlib.chdir(self.start))
            local = self
            if is_url(self.model):
                local = replace(local, model=str(fetched_model(self.model)))
            else:
                _require_seen(Path(self.model))
            if is_url(self.options["moments"]):
                local = replace(local, options={**self.options, "moments": fetched_file(self.options["moments"])})
            if is_url(self.output):
                local = replace(local, output=str(stack.enter_context(output_of_task(self.output, tensors))))
            else:
                _require_seen(stage_of(self.output))
            yield local


def _require_seen(folder: Path) -> None:
    if not folder.is_dir() or not any(folder.iterdir()):
        raise _core.IoError(
            f"node {socket.gethostname()} does not see {folder.absolute()}: on Ray, model and output are folders that "
            "all nodes see at the same path, or URLs"
        )


def survey(work: Work, tensors: list[int], cpus: int) -> None:
    _core.set_num_threads(cpus)
    with work.opened(tensors) as local:
        _core.survey_parts(local.model, local.output, tensors=tensors, **local.options)


def make(work: Work, tensors: list[int], cpus: int) -> None:
    _core.set_num_threads(cpus)
    with work.opened(tensors) as local:
        _core.make_parts(local.model, local.output, tensors=tensors, **local.options)


def see(work: Work) -> None:
    """Also copies a model at a URL to the node, before its tasks need it."""
    with work.opened([]):
        pass
