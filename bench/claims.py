# SPDX-License-Identifier: Apache-2.0
"""The headline numbers of README.md and docs/ (claims.toml), measured again. Ends with 1 if one of them does not hold.

A size holds if the measured one is not larger. A quality holds if it does not lie above the 95 % interval of the
measured one: sentences are resampled with replacement, for sts in pairs with the original. `--fast` measures what needs
no GLUE, for the claims that the tests measure too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from loewner.evaluation.metrics import Interval, interval, resamples
from sentence_fidelity import (
    SentenceEncoder,
    SimilarityData,
    documentation_sentences,
    minilm_folder,
    pair_cosines,
    quiet_transformers,
    spearman,
)

ROOT = Path(__file__).resolve().parents[1]
CLAIMS = ROOT / "bench" / "claims.toml"
SENTENCES, DRAWS = 200, 1000


@dataclass(frozen=True)
class Claim:
    """Numbers of one model: options of `loewner compress`, or none for the original."""

    name: str
    options: list[str] | None
    numbers: dict[str, float]
    in_tests: bool = False
    printed: list[list[str]] = field(default_factory=list)  # file and text, with {number} in the place of each number

    def texts(self) -> list[tuple[str, str]]:
        return [(page, " ".join(text.format(**self.numbers).split())) for page, text in self.printed]


@dataclass(frozen=True)
class Finding:
    claim: str
    number: str
    claimed: float
    measured: Interval

    @property
    def holds(self) -> bool:
        if self.number == "weights_mb":
            return round(self.measured.value, 2) <= self.claimed
        half_a_digit = 0.005 if self.number == "sts" else 0.00005
        return self.claimed <= self.measured.high + half_a_digit

    def row(self) -> str:
        digits = 2 if self.number in ("weights_mb", "sts") else 4
        claimed, value, low, high = (
            f"{x:.{digits}f}" for x in (self.claimed, self.measured.value, self.measured.low, self.measured.high)
        )
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.claim:<40} {self.number:<14} {claimed:>8} {value:>8}  [{low}, {high}]  {verdict}"


def read_claims(file: Path = CLAIMS) -> list[Claim]:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    shared = {"name", "options", "in_tests", "printed"}
    return [
        Claim(
            name=each["name"],
            options=each.get("options"),
            numbers={key: value for key, value in each.items() if key not in shared},
            in_tests=each.get("in_tests", False),
            printed=each.get("printed", []),
        )
        for each in content["claim"]
    ]


def missing_from_pages(claims: Iterable[Claim], root: Path = ROOT) -> list[str]:
    """The texts that claims must print and that their pages lack; blanks of tables do not count."""
    missing = []
    for claim in claims:
        for page, text in claim.texts():
            if text not in " ".join((root / page).read_text(encoding="utf-8").split()):
                missing.append(f"{page}: {text}")
    return missing


def mean_interval(values: np.ndarray) -> Interval:
    means = [values[rows].mean() for rows in resamples(len(values), DRAWS, seed=0)]
    return interval(float(values.mean()), np.array(means))


class Reference:
    """Sentence vectors of the original, and what is measured against them."""

    def __init__(self, glue: Path | None) -> None:
        encoder = SentenceEncoder.load(minilm_folder())
        self.sentences = documentation_sentences(SENTENCES)
        self.vectors = encoder.encode(self.sentences)
        self.similarity = Similarity(SimilarityData.read(glue), encoder) if glue else None

    def measure(self, encoder: SentenceEncoder) -> dict[str, Interval]:
        """`reference_cos`, and with GLUE `cos` and `sts`."""
        found = {"reference_cos": mean_interval(pair_cosines(encoder.encode(self.sentences), self.vectors))}
        return found | (self.similarity.measure(encoder) if self.similarity else {})


class Similarity:
    """Sentence vectors of the original on STS-B and MRPC."""

    def __init__(self, data: SimilarityData, encoder: SentenceEncoder) -> None:
        self.data, self.vectors = data, encoder.encode(data.sentences)

    def measure(self, encoder: SentenceEncoder) -> dict[str, Interval]:
        """`cos`, and `sts` with the interval of its difference from the original's."""
        vectors = encoder.encode(self.data.sentences)
        scores = np.array(self.data.scores)
        ours, theirs = self.cosines_of_pairs(vectors), self.cosines_of_pairs(self.vectors)
        drawn = resamples(len(scores), DRAWS, seed=0)
        changes = [spearman(ours[rows], scores[rows]) - spearman(theirs[rows], scores[rows]) for rows in drawn]
        sts = interval(spearman(ours, scores), spearman(theirs, scores) + np.array(changes))
        return {"cos": mean_interval(pair_cosines(vectors, self.vectors)), "sts": sts}

    def cosines_of_pairs(self, vectors: np.ndarray) -> np.ndarray:
        count = len(self.data.scores)
        return pair_cosines(vectors[:count], vectors[count : 2 * count])


def measure(claim: Claim, reference: Reference, replaced: Sequence[str] | None = None) -> list[Finding]:
    """Measures each number of a claim that can be measured; with other options, if they are given."""
    if claim.options is None:
        measured = reference.measure(SentenceEncoder.load(minilm_folder()))
    else:
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            program = [sys.executable, "-m", "loewner"]
            options = [*(claim.options if replaced is None else replaced), "--json", str(scratch / "report.json")]
            run = [*program, "compress", str(minilm_folder()), "-o", str(scratch / "small"), "--quiet", *options]
            subprocess.run(run, check=True)
            expand = [*program, "expand", str(scratch / "small"), "-o", str(scratch / "dense"), "--quiet"]
            subprocess.run(expand, check=True)
            megabytes = json.loads((scratch / "report.json").read_text())["totals"]["weights_bytes_after"] / 1e6
            measured = reference.measure(SentenceEncoder.load(scratch / "dense"))
            measured["weights_mb"] = Interval(megabytes, megabytes, megabytes)
    return [
        Finding(claim.name, name, value, measured[name]) for name, value in claim.numbers.items() if name in measured
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--glue", type=Path, default=ROOT.parent / "shared" / "glue", help="folder of the GLUE tasks")
    parser.add_argument("--fast", action="store_true", help="only the claims of the tests, without GLUE")
    parser.add_argument("names", nargs="*", help="only the claims whose names contain one of these")
    arguments = parser.parse_args()
    quiet_transformers()
    claims = [claim for claim in read_claims() if claim.in_tests or not arguments.fast]
    if arguments.names:
        claims = [claim for claim in claims if any(name in claim.name for name in arguments.names)]
    missing = missing_from_pages(claims)
    for text in missing:
        print(f"not printed: {text}")
    reference = Reference(None if arguments.fast else arguments.glue)
    print(f"{'claim':<40} {'number':<14} {'claimed':>8} {'measured':>8}  95 % interval")
    lost = len(missing)
    for claim in claims:
        for finding in measure(claim, reference):
            print(finding.row(), flush=True)
            lost += not finding.holds
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
