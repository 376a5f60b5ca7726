# SPDX-License-Identifier: Apache-2.0
"""The codecs that score higher than loewner on sts at equal bytes: the difference and its confidence interval.

Both tables are encoded again; the pairs of STS-B dev are resampled with replacement 1000 times, the same for both.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from equal_bytes import EqualBytes, encode_ours, encode_with, first_of
from loewner.evaluation.metrics import interval, resamples
from measure import in_own_process
from measured_rows import MeasuredRows
from peer import Setting
from results_page import OUT
from sentence_fidelity import spearman
from table_codecs import CODECS

DRAWS = 1000
HEADER = ["codec", "sts", "ours: sts", "ours less the codec's", "95 % of resamples"]


class StsDifferences:
    def __init__(self, glue: Path, store: MeasuredRows) -> None:
        self.equal_bytes = EqualBytes(glue, MeasuredRows(may_measure=False))
        self.store = store

    def is_lost(self, codec: Setting) -> bool:
        peer = self.equal_bytes.measured_row(codec, encode_with, codec.name)
        if "failed" in peer:
            return False
        ours = self.equal_bytes.ours(peer["bits"])
        return "failed" not in ours and first_of(ours, peer, "sts", 2) == "peer"

    def measure(self, codec: Setting) -> dict:
        fidelity = self.equal_bytes.fidelity
        scores = np.array(fidelity.data.scores)
        with tempfile.TemporaryDirectory(dir=OUT) as scratch:
            theirs, mine = Path(scratch) / "theirs.npy", Path(scratch) / "mine.npy"
            peer = in_own_process(encode_with, codec.name, theirs)
            if "failed" in peer:
                return peer
            in_own_process(encode_ours, int(10 * peer["bits"] + 1e-9) / 10, mine)
            mine_cosines, their_cosines = (fidelity.cosines_of_pairs(np.load(file)) for file in (mine, theirs))
        sts, ours = spearman(their_cosines, scores), spearman(mine_cosines, scores)
        differences = [
            spearman(mine_cosines[rows], scores[rows]) - spearman(their_cosines[rows], scores[rows])
            for rows in resamples(len(scores), DRAWS, seed=0)
        ]
        found = interval(ours - sts, np.array(differences))
        return {"sts": sts, "ours": ours, "difference": found.value, "low": found.low, "high": found.high}

    def row(self, codec: Setting) -> list[str]:
        found = self.store.get("sts-differences", codec, lambda _: self.measure(codec))
        if "failed" in found:
            return [codec.name, found["failed"], "", "", ""]
        numbers = [f"{found[name]:.2f}" for name in ("sts", "ours", "difference")]
        return [codec.name, *numbers, f"{found['low']:.3f} ... {found['high']:.3f}"]

    def rows(self) -> list[list[str]]:
        return [self.row(codec) for codec in CODECS if self.is_lost(codec)]
