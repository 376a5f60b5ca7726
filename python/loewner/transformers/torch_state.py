# SPDX-License-Identifier: Apache-2.0
"""The state of torch in which models are measured, whatever the state in which a user calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def usual_torch_state() -> Iterator[None]:
    """Gradients, and no autocast: a caller inside of `torch.inference_mode`, `torch.no_grad` or `torch.autocast` gets
    what any other caller gets. Usable as a decorator."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False):
        yield
