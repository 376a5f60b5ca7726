# SPDX-License-Identifier: Apache-2.0
"""`loewner export`"""

from __future__ import annotations

from loewner.commands.common import Options, progress_line, report


def main(options: Options) -> None:
    import torch
    from transformers.utils import logging

    import loewner

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if options.threads:
        loewner.set_num_threads(options.threads)
        torch.set_num_threads(options.threads)
    result = loewner.export(
        options.model,
        options.output,
        name=options.name,
        linear=options.linear,
        sentence=options.sentence,
        inline=options.inline,
        if_exists="overwrite" if options.overwrite else "refuse",
        progress=progress_line(options),
    )
    report(options, result.to_dict(), repr(result).strip("<>"))
