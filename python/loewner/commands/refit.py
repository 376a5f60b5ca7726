# SPDX-License-Identifier: Apache-2.0
"""`loewner refit`"""

from __future__ import annotations

from pathlib import Path

from loewner._reports import CompressReport
from loewner.commands.common import Options, progress_line, report


def _table(result: CompressReport) -> str:
    width = max(len(tensor.name) for tensor in result.tensors)
    lines = [f"{'tensor':{width}}  factor  tokens  chosen  outputs' error  relative error"]
    for tensor in result.tensors:
        fit = tensor.refit
        assert fit is not None  # every tensor of this report was fitted
        share = fit.estimated_ratio ** (1 / fit.norm_exponent)
        lines.append(
            f"{tensor.name:{width}}  {fit.factor:6}  {fit.tokens:6}  {fit.chosen:6}"
            f"  {f'x {share:.3f}':>14}  {tensor.relative_error:14.4f}"
        )
    return "\n".join(lines)


def main(options: Options) -> None:
    import torch
    from transformers.utils import logging

    import loewner
    from loewner.transformers.refit import refit

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if options.threads:
        loewner.set_num_threads(options.threads)
        torch.set_num_threads(options.threads)
    result = refit(
        Path(options.out),
        Path(options.against),
        Path(options.output),
        Path(options.text).read_text(encoding="utf-8").splitlines(),
        rows=options.rows,
        norm_exponent=options.norm_exponent,
        seed=options.seed,
        row_weights=options.row_weights or None,
        if_exists="overwrite" if options.overwrite else "refuse",
        progress=progress_line(options),
    )
    report(options, result.to_dict(), _table(result))
