# SPDX-License-Identifier: Apache-2.0
"""`loewner refit`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from loewner._reports import CompressReport
from loewner.commands.common import add_common_options, progress_line, report


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="loewner refit",
        description="Fit one factor of every factored layer to the original layer's outputs on a few chosen tokens.",
    )
    parser.add_argument("OUT", type=Path, help="folder that compress made, by method svd or lp")
    parser.add_argument("--against", type=Path, required=True, help="the original model folder")
    parser.add_argument("--text", type=Path, required=True, help="UTF-8 text, a sentence or paragraph a line")
    parser.add_argument(
        "--rows", type=int, required=True, help="tokens whose original outputs are looked up, per layer"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    parser.add_argument("--norm-exponent", type=float, default=2.0, help="p of the outputs' error (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of tokens (default 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing output")
    add_common_options(parser)
    return parser.parse_args(arguments)


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


def main(arguments: Sequence[str]) -> None:
    options = _arguments(arguments)
    import torch
    from transformers.utils import logging

    import loewner
    from loewner.transformers.refit import refit

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if options.threads:
        loewner.set_num_threads(options.threads)
        torch.set_num_threads(options.threads)
    result = refit(
        options.OUT,
        options.against,
        options.output,
        options.text.read_text(encoding="utf-8").splitlines(),
        rows=options.rows,
        norm_exponent=options.norm_exponent,
        seed=options.seed,
        if_exists="overwrite" if options.overwrite else "refuse",
        progress=progress_line(options),
    )
    report(options, result.to_dict(), _table(result))
