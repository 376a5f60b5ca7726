# SPDX-License-Identifier: Apache-2.0
"""Runs a function in a process of its own, so that its memory can be measured, and hears of its progress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Concatenate, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Share = Callable[[float], None]

_SECONDS_BETWEEN_LOOKS = 0.1
_to_parent: Connection | None = None


def in_own_process(
    function: Callable[Concatenate[Share, Parameters], Result],
    progress: Share | None,
    /,
    *arguments: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """The result of ``function(share, ...)``; what it passes to ``share`` arrives at `progress` in this process."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with receiver, sender, ProcessPoolExecutor(1, context, _keep, (sender,)) as pool:
        future = pool.submit(_run, function, arguments, options)
        while not future.done():
            if receiver.poll(_SECONDS_BETWEEN_LOOKS):  # read even if nobody listens: a full pipe would stop the child
                share = receiver.recv()
                if progress:
                    progress(share)
        return future.result()


def _keep(sender: Connection) -> None:
    global _to_parent
    _to_parent = sender


def _run(function: Callable[..., Result], arguments: tuple[object, ...], options: dict[str, object]) -> Result:
    assert _to_parent is not None
    return function(_to_parent.send, *arguments, **options)
