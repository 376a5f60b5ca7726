# SPDX-License-Identifier: Apache-2.0
"""The token embedding by every codec, and by loewner in no more bytes."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matrices import minilm_folder, minilm_table
from measure import in_own_process, measured
from measured_rows import MeasuredRows
from peer import Setting, folder_bytes, relative_error
from results_page import OUT
from table_codecs import CODECS
from table_quality import Fidelity

HEADER = ["codec", "bits per weight", "error", "cos", "sts", "s", "MB", "what to type"]
HEADER += ["ours: bits", "error", "cos", "sts", "s", "MB", "first on cos", "first on sts"]


def encode_with(name: str, decoded_file: Path) -> dict:
    """Runs a codec; returns the bytes of its files, error, time and memory, and saves the decoded table."""
    codec = next(codec for codec in CODECS if codec.name == name)
    table = minilm_table()
    encoded, cost = measured(lambda: codec.run(table))
    with tempfile.TemporaryDirectory() as scratch:
        encoded.save(Path(scratch))
        size = folder_bytes(Path(scratch))
    decoded = np.ascontiguousarray(encoded.decode(), np.float32)
    np.save(decoded_file, decoded)
    return {"bits": 8 * size / table.size, "error": relative_error(decoded, table), **cost}


def encode_ours(bits: float, decoded_file: Path) -> dict:
    """Runs the whole of `loewner compress --bits`, blind: it reads the model, and writes and measures the output."""
    import loewner
    import safetensors.numpy

    table = minilm_table()
    with tempfile.TemporaryDirectory() as scratch:
        small, dense = Path(scratch) / "small", Path(scratch) / "dense"
        report, cost = measured(lambda: loewner.compress(minilm_folder(), small, bits=bits, text="none"))
        loewner.expand(small, dense)
        weights = safetensors.numpy.load_file(dense / "model.safetensors")
    decoded = weights["embeddings.word_embeddings.weight"]
    np.save(decoded_file, decoded)
    size = report.tensors[0].bytes_after
    return {"bits": 8 * size / table.size, "error": relative_error(decoded, table), **cost}


class EqualBytes:
    def __init__(self, glue: Path, store: MeasuredRows) -> None:
        OUT.mkdir(parents=True, exist_ok=True)
        self.fidelity = Fidelity(glue)
        self.store = store

    def measured_row(self, setting: Setting, work: Callable[..., dict], *options: object) -> dict:
        def measure(known: dict | None) -> dict:
            with tempfile.TemporaryDirectory(dir=OUT) as scratch:
                decoded_file = Path(scratch) / "decoded.npy"
                row = in_own_process(work, *options, decoded_file)
                if "failed" in row:
                    return row
                if known is not None and is_same_table(row, known):
                    return row | {quality: known[quality] for quality in ("cos", "sts")}
                return row | self.fidelity.of_table(np.load(decoded_file))

        return self.store.get("equal-bytes", setting, measure, same_processor=True)

    def ours(self, bits: float) -> dict:
        """loewner at `bits` rounded down to a tenth of a bit, so that rows share runs and loewner has no more bytes."""
        bits = int(10 * bits + 1e-9) / 10
        setting = Setting(f"loewner {bits:.1f} bits", ("loewner",), "", encode_ours)
        return self.measured_row(setting, encode_ours, bits)

    def row(self, codec: Setting) -> list[str]:
        peer = self.measured_row(codec, encode_with, codec.name)
        if "failed" in peer:
            return [codec.name, peer["failed"], *[""] * (len(HEADER) - 2)]
        ours = self.ours(peer["bits"])
        if "failed" in ours:
            return [codec.name, *cells(peer), f"`{codec.usage}`", ours["failed"], *[""] * 7]
        first = [first_of(ours, peer, "cos", 4), first_of(ours, peer, "sts", 2)]
        return [codec.name, *cells(peer), f"`{codec.usage}`", *cells(ours), *first]

    def rows(self) -> list[list[str]]:
        return [self.row(codec) for codec in CODECS]


def is_same_table(row: dict, known: dict) -> bool:
    """True if bytes and error are those of the stored row; then its quality need not be measured again."""
    return row["bits"] == known.get("bits") and math.isclose(row["error"], known["error"], rel_tol=1e-7)


def cells(row: dict) -> list[str]:
    numbers = [f"{row['bits']:.2f}", f"{row['error']:.4f}", f"{row['cos']:.4f}", f"{row['sts']:.2f}"]
    return [*numbers, f"{row['seconds']:.1f}", f"{row['megabytes']:.0f}"]


def first_of(ours: dict, peer: dict, quality: str, digits: int) -> str:
    """Which of the two is better, compared with the printed digits."""
    mine, theirs = round(ours[quality], digits), round(peer[quality], digits)
    return "ours" if mine > theirs else "peer" if theirs > mine else "equal"
