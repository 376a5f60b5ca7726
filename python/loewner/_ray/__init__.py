# SPDX-License-Identifier: Apache-2.0
"""`compress --ray`: Ray tasks on the nodes of a cluster make the parts of one output, and the driver publishes it.

Tasks are workers like those of `--worker` (include/loewner/compress/workers.hpp), so they leave the same parts. What a
lost task, node or driver has finished is kept, and `--resume` goes on from there. Where a text calibrates, the driver
measures the moments before the tasks begin.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from loewner import _core
from loewner._ray.calibration import calibrated, calibrates_on_ray, can_be_resumed
from loewner._ray.cluster import Cluster, Progress
from loewner._ray.connection import connected
from loewner._ray.tasks import Work, make, survey
from loewner._urls import Places
from loewner._urls.remote_folder import is_url
from loewner._urls.remote_stage import RemoteStage
from loewner.onnx import is_onnx_model

_PLANNING, _ENCODING = 0.2, 0.6  # shares of the progress bar, as for one process
_CALIBRATION = 0.3  # share of the whole, if there is one
Folder = str | os.PathLike[str]


def compress_on_ray(
    model: Folder,
    output: Folder,
    text: Folder | None,
    places: Places,
    *,
    address: str,
    threads: int | None = None,
    progress: Progress | None = None,
    on_finish: Callable[[str], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The report of `_core.compress`. on_finish: is given what the command line prints of it.

    places: what the user gave. Where it is a URL, nodes make copies of their own and exchange parts through it.
    address: as ray.init takes it; "" for RAY_ADDRESS, a cluster of this machine, or a new one. threads: CPUs of each
    task; by default one, and more for parts that need more memory than goes with one CPU.
    """
    _require_folders(places)
    _require_known(options)
    options.pop("tokenizer", None)
    show = progress or (lambda what, share: None)
    with connected(address) as ray:
        cluster = Cluster(ray, threads)
        if not calibrates_on_ray(text, options):
            report, table = _compressed(cluster, model, output, places, options, show)
        else:
            with calibrated(model, output, text, places, options, _part_of(show, 0, _CALIBRATION)) as moments:
                found = {**options, "moments": moments, "save_moments": ""}
                of_parts = _part_of(show, _CALIBRATION, 1 - _CALIBRATION)
                places = replace(places, moments=moments)
                report, table = _compressed(cluster, model, output, places, found, of_parts)
    if on_finish is not None:
        on_finish(table)
    return report


def _compressed(
    cluster: Cluster, model: Folder, output: Folder, places: Places, options: dict[str, Any], show: Progress
) -> tuple[dict[str, Any], str]:
    """The report, and what the command line prints of it."""
    with _core.WorkersRun(model, output, **options) as run:
        options = {**options, "max_memory": run.max_memory}
        work = Work(os.getcwd(), places.model, places.output, {**options, "moments": places.moments})
        stage = RemoteStage(places.output, Path(output)) if is_url(places.output) else None
        try:
            _make_parts(cluster, run, work, stage, show)
        except BaseException as error:
            with contextlib.suppress(_core.IoError):  # another process uses the parts
                run.leave(keeps_parts=can_be_resumed(error))
            raise
    start = _PLANNING + _ENCODING
    return _core.assemble_parts(model, output, progress=_part_of(show, start, 1 - start), **options)


def _make_parts(cluster: Cluster, run: _core.WorkersRun, work: Work, stage: RemoteStage | None, show: Progress) -> None:
    parts = [part for part in run.parts if not part.made]
    if not parts:
        return
    if stage:
        stage.push(stage.pull())
    cluster.require_seen(work)
    cluster.run(survey, work, [part for part in parts if not part.surveyed], _part_of(show, 0, _PLANNING))
    known = stage.pull() if stage else set()
    run.plan()
    if stage:
        stage.push(known)
    cluster.run(make, work, parts, _part_of(show, _PLANNING, _ENCODING))
    if stage:
        stage.pull()


def _part_of(show: Progress, start: float, width: float) -> Callable[[str, float], None]:
    return lambda what, share: show(what, start + width * share)


def _require_folders(places: Places) -> None:
    for path in (places.model, places.output, places.moments):
        if path.startswith("memory://"):
            raise ValueError(f"{path}: is seen by one process only, not by the nodes of a cluster")
    if is_onnx_model(places.model) or Path(places.output).suffix == ".onnx":
        raise ValueError("compress: ray is for folders of safetensors, not for ONNX files")


def _require_known(options: dict[str, Any]) -> None:
    for name in ("tokenizer", "dry_run"):
        if options.get(name):
            raise ValueError(f"compress: {name} cannot be combined with ray")
