# SPDX-License-Identifier: Apache-2.0
"""The connection to a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

_NEEDS_RAY = "--ray needs Ray: pip install 'loewner[ray]'"
_ANSWER_SECONDS = 10.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module ray, connected: to the cluster of the address, or to that which the caller is connected to."""
    try:
        import ray
    except ImportError as error:
        raise ImportError(_NEEDS_RAY) from error
    if ray.is_initialized():
        yield ray
        return
    address = address or os.environ.get("RAY_ADDRESS", "")
    _require_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a new cluster would send them over the network
    with _own_signals():
        try:
            ray.init(address=address or None, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
        except (ConnectionError, RuntimeError, TimeoutError) as error:
            raise OSError(_no_answer(address, str(error))) from error
    try:
        yield ray
    finally:
        with _own_signals():
            ray.shutdown()


def _no_answer(address: str, reason: str) -> str:
    return f"--ray {address}: cannot connect to a cluster, which `ray start --head` starts: {reason}"


def _require_address(address: str) -> None:
    """Ray itself would try an address for minutes."""
    if address in ("", "auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ValueError(
            f"--ray takes auto, local or HOST:PORT, got '{address}'; MODEL stands before --ray, and from outside of a "
            "cluster `ray job submit -- loewner compress ... --ray` starts the command on it"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise OSError(_no_answer(address, str(error))) from error


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray sets handlers of its own, which would end the process without cleaning up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
