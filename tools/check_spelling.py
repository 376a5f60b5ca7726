# SPDX-License-Identifier: Apache-2.0
"""Checks that text and identifiers of all tracked text files are spelled the American way.

Words are found inside identifiers too: lp_factorisation and LpFactorisation contain "factorisation".
"""

from __future__ import annotations

import re
from pathlib import Path

from tracked_files import ROOT, Offense, exit_with, tracked_files

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
SUFFIXES = {".md", ".py", ".pyi", ".hpp", ".cpp", ".in", ".js", ".toml", ".txt", ".cmake", ".yaml", ".json", ".svg", ""}
# Titles of papers, text of others, and words that this check and its test are about.
EXCLUDED = re.compile(
    r"^(LICENSE|docs/references\.bib|tools/check_spelling\.py|python/tests/test_checks\.py|fuzz/corpus/.*|tests/data/.*|"
    r"python/loewner/calibration_text/.*)$"  # many registers and languages, on purpose
)

# -ise, -isation and so on are British, except after these stems and after any stem that ends in w (likewise).
ISE_STEMS_ALLOWED = {
    "adv", "anis", "appr", "ar", "bra", "bru", "chem", "comprom", "compr", "conc", "cru", "d", "dem", "deno", "dev",
    "disgu", "enterpr", "exc", "exerc", "expert", "fadv", "franch", "imprec", "improv", "inc", "madv", "merchand", "no",
    "parad", "po", "pra", "prec", "prem", "prom", "r", "ra", "repr", "rev", "superv", "surpr", "telev", "torto",
    "unsuperv",
}  # fmt: skip
ISE = re.compile(r"^(\w+?)is(e|ed|es|er|ers|ing|able|ation|ations|ational)$")
YSE = re.compile(r"^\w*(analy|cataly|paraly|hydroly)s(e|ed|ing|er|ers|able)$")
OUR = re.compile(
    r"^(un|dis|mis|multi)?(colou?r|behaviou?r|neighbou?r|favou?r|honou?r|labou?r|flavou?r|humou?r|rumou?r|vapou?r|"
    r"harbou?r|endeavou?r|armou?r|candou?r|odou?r|rigou?r|vigou?r|tumou?r|saviou?r|parlou?r)\w*$"
)
DOUBLED = re.compile(
    r"^(re|un|pre|mis)?(model|label|travel|level|signal|fuel|total|channel|tunnel|marshal|cancel|counsel|quarrel|"
    r"equal|initial|pencil|dial|trial|rival|spiral|shovel|unravel|bevel|parcel|jewel|panel)l(ed|ing|er|ers)$"
)
PAIRS = """
centre:center centres:centers centred:centered centring:centering recentre:recenter fibre:fiber
fibres:fibers metre:meter metres:meters litre:liter theatre:theater calibre:caliber spectre:specter
sombre:somber catalogue:catalog dialogue:dialog analogue:analog analogues:analogs licence:license
licences:licenses defence:defense offence:offense offences:offenses pretence:pretense practise:practice
practised:practiced grey:gray greys:grays artefact:artifact artefacts:artifacts whilst:while amongst:among
ageing:aging judgement:judgment sceptical:skeptical sceptic:skeptic mould:mold plough:plow
programme:program programmes:programs tyre:tire cheque:check storey:story learnt:learned spelt:spelled
burnt:burned fulfil:fulfill enrol:enroll skilful:skillful instalment:installment manoeuvre:maneuver
aluminium:aluminum acknowledgement:acknowledgment orientated:oriented maths:math
"""  # british:american
BRITISH = dict(pair.split(":") for pair in PAIRS.split())

# word -> why it is allowed.
ALLOWED = {
    "cancelled": "both spellings are American; the class Cancelled and asyncio's CancelledError use this one",
    "cancelling": "as cancelled",
    "analyses": "the plural of analysis",
}


def british(word: str) -> str | None:
    """What to do about a lower-case word; None if nothing."""
    if word in ALLOWED:
        return None
    if word in BRITISH:
        return BRITISH[word]
    if (match := ISE.match(word)) and match.group(1) not in ISE_STEMS_ALLOWED and not match.group(1).endswith("w"):
        return f"{match.group(1)}iz{match.group(2)}"
    if YSE.match(word):
        return word.replace("ys", "yz")
    if (match := OUR.match(word)) and "our" in match.group(2):
        return word.replace("our", "or", 1)
    if match := DOUBLED.match(word):
        return f"{match.group(1) or ''}{match.group(2)}{match.group(3)}"
    return None


def check_text(name: str, text: str) -> list[Offense]:
    offenses = []
    for number, line in enumerate(text.splitlines(), 1):
        for word in dict.fromkeys(WORD.findall(line)):
            if better := british(word.lower()):
                offenses.append(Offense(name, number, f"British spelling '{word}', use '{better}'"))
    return offenses


def check_spelling(root: Path) -> list[Offense]:
    offenses = []
    for path in tracked_files(root):
        if path.suffix in SUFFIXES and not EXCLUDED.match(str(path)):
            offenses += check_text(str(path), (root / path).read_text(encoding="utf-8", errors="replace"))
    return offenses


if __name__ == "__main__":
    exit_with(check_spelling(ROOT), "American spelling")
