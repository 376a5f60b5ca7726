# SPDX-License-Identifier: Apache-2.0
"""Attention over heavy keys for torch modules."""

from loewner.torch.lev_attention import LevAttention
from loewner.torch.leverage import key_leverages

__all__ = ["LevAttention", "key_leverages"]
