# SPDX-License-Identifier: Apache-2.0
"""Encoded checkpoints in transformers: registers the quantization method `loewner` when it is imported."""

from loewner.transformers.config import LoewnerConfig
from loewner.transformers.modules import EncodedMatrix, decode_module, encode_module, encoded_class
from loewner.transformers.quantizer import LoewnerQuantizer
from loewner.transformers.structures import STRUCTURES, Dense, LowRank

__all__ = [
    "STRUCTURES",
    "Dense",
    "EncodedMatrix",
    "LoewnerConfig",
    "LoewnerQuantizer",
    "LowRank",
    "decode_module",
    "encode_module",
    "encoded_class",
]
