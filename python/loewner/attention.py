# SPDX-License-Identifier: Apache-2.0
"""Keys that can have a large attention weight."""

from loewner._core.attention import (
    HeavyKeys,
    HeavyKeyStream,
    KeptKeys,
    SelectedAttention,
    attend_selected,
    select_heavy_keys,
)

__all__ = [
    "HeavyKeyStream",
    "HeavyKeys",
    "KeptKeys",
    "SelectedAttention",
    "attend_selected",
    "select_heavy_keys",
]
