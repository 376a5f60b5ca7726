# SPDX-License-Identifier: Apache-2.0
"""The linear layers of all-MiniLM-L6-v2 alone, calibrated on texts of the task and of other kinds.

All other tensors stay as they are. cos and sts as in table_quality.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

from compressed import compressed
from matrices import minilm_folder, quiet_transformers
from results_page import OUT, experiment_parser, markdown_table, publish
from table_calibration import sentences_of_the_task
from table_quality import Fidelity

BITS = ["3", "2"]
OTHER_LANGUAGE = [
    "Der Zug nach Hamburg fährt heute von einem anderen Gleis ab.",
    "Im Garten hinter dem Haus stehen drei alte Apfelbäume.",
    "Wer den Schlüssel findet, gibt ihn bitte an der Tür ab.",
    "Am Abend wurde das Wasser im Hafen ganz still.",
    "Die Rechnung ist bis zum Ende des Monats zu bezahlen.",
    "Meine Schwester lernt seit zwei Jahren Geige spielen.",
]


def written(name: str, lines: list[str]) -> str:
    file = OUT / f"{name}.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def doc_strings() -> list[str]:
    """Paragraphs of the doc strings of Python's own library."""
    folder = Path(sys.modules["os"].__file__ or "").parent
    texts = []
    for file in sorted(folder.glob("[a-d]*.py")):
        parts = file.read_text(encoding="utf-8", errors="replace").split('"""')
        texts += [" ".join(part.split()) for part in parts[1::2] if len(part) > 60]
    return texts[:1000]


def licenses() -> list[str]:
    """Paragraphs of the license of this repository."""
    text = (Path(__file__).resolve().parents[2] / "LICENSE").read_text(encoding="utf-8")
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def texts(glue: Path) -> dict[str, str]:
    """Names and values of --text."""
    return {
        "none": "none",
        "package": "package",
        "2000 sentences": str(sentences_of_the_task(glue)),
        "doc strings": written("doc-strings", doc_strings()),
        "a license": written("license", licenses()),
        "six German sentences": written("german", OTHER_LANGUAGE),
        "one sentence": written("one-sentence", ["The cat sat on the mat while it rained outside."]),
    }


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    parser.add_argument("--texts", nargs="+", metavar="NAME", help="only these rows")
    arguments = parser.parse_args()
    quiet_transformers()
    fidelity = Fidelity(arguments.glue)
    rows = []
    for name, text in texts(arguments.glue).items():
        if arguments.texts and name not in arguments.texts:
            continue
        for bits in BITS:
            with compressed(minilm_folder(), "--linear", "--bits", bits, "--text", text) as result:
                quality = fidelity.of_folder(result)
                told = result.calibration
            change = [f"{told[key]:.4f}" for key in ("predicted", "measured")] if told else ["", ""]
            rows.append([name, bits, f"{quality['cos']:.4f}", f"{quality['sts']:.2f}", *change])
            print(*rows[-1], file=sys.stderr, flush=True)
    header = ["text", "bits", "cos", "sts", "predicted", "measured"]
    publish("calibration-linear", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
