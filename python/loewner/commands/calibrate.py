# SPDX-License-Identifier: Apache-2.0
"""`loewner calibrate`"""

from __future__ import annotations

from loewner._verbs import calibrate
from loewner.commands.common import Options, progress_line, report


def main(options: Options) -> None:
    show = progress_line(options)
    found = calibrate(
        options.model,
        options.output,
        text=options.text,
        activations=options.activations,
        max_memory=options.max_memory,
        progress=show,
    )
    if show:
        show("", 1.0)
    line = f"{found.tokens} tokens, {found.distinct} of {found.vocabulary} distinct ones"
    if options.activations:
        line = f"{found.layers} layers with {found.inputs} different inputs, {found.tokens} tokens of {found.text}"
    report(options, found.to_dict(), line)
