# SPDX-License-Identifier: Apache-2.0
"""Encoded checkpoints in transformers. The import registers the quantization method `loewner`."""

from loewner.transformers.config import LoewnerConfig
from loewner.transformers.given_options import remember_options
from loewner.transformers.modules import EncodedMatrix, decode_module, encode_module, encoded_class
from loewner.transformers.quantizer import LoewnerQuantizer
from loewner.transformers.sub_configurations import pass_on_quantization

pass_on_quantization()
remember_options()

__all__ = [
    "EncodedMatrix",
    "LoewnerConfig",
    "LoewnerQuantizer",
    "decode_module",
    "encode_module",
    "encoded_class",
]
