# SPDX-License-Identifier: Apache-2.0
"""What scores higher than loewner on sts at its size: the difference and its confidence interval.

Codecs of the table are compared at equal bytes, whole models with the largest file of loewner of no more bytes. Both
are made again; the pairs of STS-B dev are resampled with replacement 1000 times, the same for both.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from equal_bytes import EqualBytes, encode_ours, encode_with, first_of
from loewner.evaluation.metrics import interval, resamples
from measure import in_own_process
from measured_rows import MeasuredRows, rows_of
from peer import Setting
from results_page import OUT
from runtimes import RUNTIMES, folder_of, make, runtime_of
from sentence_fidelity import SimilarityData, pair_cosines, spearman
from table_calibration import sentences_of_the_task
from table_codecs import CODECS
from whole_models import rival_of, sentence_vectors

DRAWS = 1000
DIGITS = 2
COLUMNS = ["sts", "ours: sts", "ours less the other", "95 % of resamples"]
HEADER = ["codec", *COLUMNS]
HEADER_OF_MODELS = ["model", "MB on disk", "ours", *COLUMNS]


def compared(scores: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> dict:
    """sts of both, their difference and its interval, from the cosines of the pairs."""
    sts, ours = spearman(theirs, scores), spearman(mine, scores)
    differences = [
        spearman(mine[rows], scores[rows]) - spearman(theirs[rows], scores[rows])
        for rows in resamples(len(scores), DRAWS, seed=0)
    ]
    found = interval(ours - sts, np.array(differences))
    return {"sts": sts, "ours": ours, "difference": found.value, "low": found.low, "high": found.high}


def printed(found: dict) -> list[str]:
    """COLUMNS."""
    if "failed" in found:
        return [found["failed"], "", "", ""]
    numbers = [f"{found[name]:.{DIGITS}f}" for name in ("sts", "ours", "difference")]
    return [*numbers, f"{found['low']:.3f} ... {found['high']:.3f}"]


class StsDifferences:
    """Of codecs of the table."""

    def __init__(self, glue: Path, store: MeasuredRows) -> None:
        self.equal_bytes = EqualBytes(glue, MeasuredRows(may_measure=False))
        self.store = store

    def is_lost(self, codec: Setting) -> bool:
        peer = self.equal_bytes.measured_row(codec, encode_with, codec.name)
        if "failed" in peer:
            return False
        ours = self.equal_bytes.ours(peer["bits"])
        return "failed" not in ours and first_of(ours, peer, "sts", DIGITS) == "peer"

    def measure(self, codec: Setting) -> dict:
        fidelity = self.equal_bytes.fidelity
        scores = np.array(fidelity.data.scores)
        with tempfile.TemporaryDirectory(dir=OUT) as scratch:
            theirs, mine = Path(scratch) / "theirs.npy", Path(scratch) / "mine.npy"
            peer = in_own_process(encode_with, codec.name, theirs)
            if "failed" in peer:
                return peer
            in_own_process(encode_ours, int(10 * peer["bits"] + 1e-9) / 10, mine)
            return compared(scores, *(fidelity.cosines_of_pairs(np.load(file)) for file in (mine, theirs)))

    def row(self, codec: Setting) -> list[str]:
        found = self.store.get("sts-differences", codec, lambda _: self.measure(codec))
        return [codec.name, *printed(found)]

    def rows(self) -> list[list[str]]:
        return [self.row(codec) for codec in CODECS if self.is_lost(codec)]


class StsDifferencesOfModels:
    """Of whole models."""

    def __init__(self, glue: Path, store: MeasuredRows) -> None:
        sentences_of_the_task(glue)  # writes them to the file that the peers calibrate on
        self.glue, self.store, self.found = glue, store, rows_of("whole-models")
        self.cosines: dict[str, np.ndarray | dict] = {}

    def ours(self, peer: Setting) -> str | None:
        """The row of loewner that a peer beats, if it does."""
        found = self.found.get(peer.name, {"failed": ""})
        ours = rival_of(peer.name, found)
        return ours if ours and first_of(self.found[ours], found, "sts", DIGITS) == "peer" else None

    def cosines_of(self, name: str) -> np.ndarray | dict:
        """Of the pairs of STS-B dev, or why there are none."""
        if name not in self.cosines:
            with tempfile.TemporaryDirectory(dir=OUT) as scratch:
                file = Path(scratch) / "cosines.npy"
                failed = in_own_process(save_cosines, name, self.glue, file)
                self.cosines[name] = failed or np.load(file)
        return self.cosines[name]

    def measure(self, peer: Setting, ours: str) -> dict:
        mine, theirs = self.cosines_of(ours), self.cosines_of(peer.name)
        for each in (mine, theirs):
            if isinstance(each, dict):
                return each
        return compared(np.array(SimilarityData.read(self.glue).scores), mine, theirs)

    def row(self, peer: Setting, ours: str) -> list[str]:
        found = self.store.get("sts-of-models", peer, lambda _: self.measure(peer, ours))
        return [peer.name, f"{self.found[peer.name]['bytes'] / 1e6:.1f}", ours, *printed(found)]

    def rows(self) -> list[list[str]]:
        return [self.row(peer, ours) for peer in RUNTIMES if (ours := self.ours(peer))]


def save_cosines(name: str, glue: Path, file: Path) -> dict:
    """Makes a model and saves the cosines of the pairs. Returns nothing, as a process that has not failed."""
    make(name)
    data = SimilarityData.read(glue)
    vectors = sentence_vectors(runtime_of(name).run().load(folder_of(name)), data.sentences)
    pairs = len(data.scores)
    np.save(file, pair_cosines(vectors[:pairs], vectors[pairs : 2 * pairs]))
    return {}
