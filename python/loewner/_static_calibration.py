# SPDX-License-Identifier: Apache-2.0
"""Static embedding models and a text. The vector of a sentence is a mean of rows, so a text only weighs the rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from loewner._texts import lines_of
from loewner._token_counts import TokenCounter

EXPONENT = 0.75  # of the tokens' frequencies; 1 would be right if a text showed all of them


def options_with_text(model: str | os.PathLike[str], text: Path, options: dict[str, Any]) -> dict[str, Any]:
    """The options of the core with row weights from a text."""
    if options.get("row_weights", "zipf") != "zipf":
        raise ValueError("compress: the text of a static embedding model gives the row weights: leave out row_weights")
    counter = TokenCounter(model)
    counter.add(lines_of(text))
    if not counter.counts.any():
        raise ValueError(f"{text}: the tokenizer of {os.fspath(model)} does not know the words of the text")
    return {**options, "row_weights": f"text:{EXPONENT}", "token_counts": counter.counts.tolist()}
