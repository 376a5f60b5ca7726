# SPDX-License-Identifier: Apache-2.0
"""Keys that can have a large attention weight.

`select_heavy_keys` finds them among given keys and `HeavyKeyStream` on a stream. `attend_selected` computes attention
over the selected keys.
"""

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
