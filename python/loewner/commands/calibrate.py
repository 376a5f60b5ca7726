# SPDX-License-Identifier: Apache-2.0
"""`loewner calibrate`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from loewner.commands.common import Options, progress_line, replace_file, report

LINES_AT_ONCE = 4096


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = (line for line in lines if line.strip())
    while batch := list(islice(rest, LINES_AT_ONCE)):
        yield batch


def main(options: Options) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    counts, show = np.zeros(len(tokenizer), np.int64), progress_line(options)
    path = Path(options.text)
    size, read = path.stat().st_size, 0
    with path.open(encoding="utf-8") as text:
        for lines in _batches(text):
            for ids in tokenizer(lines, truncation=False, verbose=False)["input_ids"]:
                counts += np.bincount(ids, minlength=len(counts))
            read += sum(len(line.encode()) for line in lines)
            if show:
                show("counting tokens", min(1.0, read / size))
    if show:
        show("", 1.0)
    if counts.sum() == 0:
        raise ValueError("calibrate: expected a text with at least one line that is not empty")
    named = np.flatnonzero(counts)
    replace_file(Path(options.output), "".join(f"{i}\t{counts[i]}\n" for i in named).encode())
    result = {"tokens": int(counts.sum()), "distinct": len(named), "vocabulary": len(counts)}
    report(options, result, f"{result['tokens']} tokens, {result['distinct']} of {result['vocabulary']} distinct ones")
