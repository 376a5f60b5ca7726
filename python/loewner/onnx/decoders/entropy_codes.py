# SPDX-License-Identifier: Apache-2.0
"""Structure `entropy_codes`: operators of ONNX cannot decode it, because each symbol depends on the one before it."""

from __future__ import annotations

from typing import Any

from loewner.onnx.decoders.base import Arrays, Decoder


class EntropyCodes(Decoder):
    """No graph: refuses its matrices by name."""

    @staticmethod
    def to_stored(spec: dict[str, Any], arrays: Arrays) -> Arrays:
        raise ValueError("entropy codes have no ONNX operators: compress the model again with --codes trellis")


def require_operators(options: dict[str, Any]) -> None:
    """Raise ValueError if the options of `compress` ask for these codes."""
    if options.get("codes") in ("entropy", 1):
        raise ValueError("compress: ONNX has no operators for entropy codes: take codes 'trellis'")
