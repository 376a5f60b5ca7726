# SPDX-License-Identifier: Apache-2.0
"""Section "Reproduce": the commands that made the output and the page."""

from __future__ import annotations

from collections.abc import Iterable

from loewner.reporting.data import Report
from loewner.reporting.markup import Markup, readable, tag


def reproduction(report: Report) -> Iterable[Markup]:
    if report.command:
        yield tag("p", "This command made the output. The bytes are the same for any number of threads.")
        yield tag("pre", tag("code", readable(report.command)))
    else:
        yield tag("p", "The model card of the output has no command.")
    if any(tensor.refitted for tensor in report.tensors):
        yield tag("p", "Afterwards ", tag("code", "loewner refit"), " fitted factors to a text, which is not stored.")
    options = f" --against {readable(report.model)}" if report.model else ""
    options += " --eval FILE" if report.scores else ""
    yield tag("p", "This command made the page:")
    yield tag("pre", tag("code", f"loewner report {readable(report.output)}{options} -o report.html"))
