# SPDX-License-Identifier: Apache-2.0
"""`loewner calibrate`"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from loewner.commands.common import add_common_options, progress_line, replace_file, report

LINES_AT_ONCE = 4096


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="loewner calibrate",
        description="Count the tokens of a text, for `loewner compress --row-weights FILE`.",
    )
    parser.add_argument("MODEL", type=Path, help="model folder, of which the tokenizer is used")
    parser.add_argument("--text", type=Path, required=True, help="UTF-8 text, a sentence or paragraph a line")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to be written: lines id<TAB>count")
    add_common_options(parser)
    return parser.parse_args(arguments)


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = (line for line in lines if line.strip())
    while batch := list(islice(rest, LINES_AT_ONCE)):
        yield batch


def main(arguments: Sequence[str]) -> None:
    options = _arguments(arguments)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.MODEL)
    counts, show = np.zeros(len(tokenizer), np.int64), progress_line(options)
    size, read = options.text.stat().st_size, 0
    with options.text.open(encoding="utf-8") as text:
        for lines in _batches(text):
            for ids in tokenizer(lines, truncation=False, verbose=False)["input_ids"]:
                counts += np.bincount(ids, minlength=len(counts))
            read += sum(len(line.encode()) for line in lines)
            if show:
                show("counting tokens", min(1.0, read / size))
    if show:
        show("", 1.0)
    if counts.sum() == 0:
        raise ValueError("calibrate: the text must have at least one line that is not empty")
    named = np.flatnonzero(counts)
    replace_file(options.output, "".join(f"{i}\t{counts[i]}\n" for i in named).encode())
    result = {"tokens": int(counts.sum()), "distinct": len(named), "vocabulary": len(counts)}
    report(options, result, f"{result['tokens']} tokens, {result['distinct']} of {result['vocabulary']} distinct ones")
