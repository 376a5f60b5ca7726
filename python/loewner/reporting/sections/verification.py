# SPDX-License-Identifier: Apache-2.0
"""Section "Verification": recomputed errors and certificates."""

from __future__ import annotations

from collections.abc import Iterable

from loewner.reporting.data import Report, Tensor
from loewner.reporting.markup import Markup, readable, tag
from loewner.reporting.table import Cell, number, table


def verification(report: Report) -> Iterable[Markup]:
    yield _agreement(report)
    yield tag(
        "p",
        "To verify all stored errors, all certificates and every unchanged tensor, run ",
        tag("code", _verify_command(report)),
        ".",
    )
    certified = [t for t in report.tensors if t.certificate is not None or t.lp_error_svd is not None]
    if not certified:
        yield tag("p", "No tensor has a certificate. Only l_p factorizations and SVDs have one.", class_="quiet")
        return
    heads = ["Tensor", "p", "Proved distortion", "l_p error", "l_p error of the SVD"]
    yield table("Certificates of factorizations", heads, [_certificate(t) for t in certified])
    yield tag(
        "p",
        "Proved distortion: c with ||Fx||\u2082 \u2264 ||Ax||\u209a \u2264 c ||Fx||\u2082 for all x. A is the "
        "original matrix with row weights; its low-rank subspace comes from F.",
        class_="quiet",
    )


def _agreement(report: Report) -> Markup:
    compared = {tensor.name: tensor.study.claims_hold for tensor in report.tensors if tensor.study}
    if not compared:
        return tag("p", "The errors on this page are those stored in the output. They were not recomputed.")
    failed = [readable(name) for name, holds in compared.items() if not holds]
    if failed:
        return tag("p", f"Recomputed errors differ from the stored errors: {', '.join(failed)}.", class_="bad")
    which = "all" if len(compared) == len(report.tensors) else f"{len(compared)} of the {len(report.tensors)}"
    text = f"The errors of {which} tensors were recomputed for this page. They agree with the stored errors."
    return tag("p", text, class_="good")


def _verify_command(report: Report) -> str:
    return f"loewner verify {readable(report.output)} --against {readable(report.model or 'MODEL')}"


def _certificate(tensor: Tensor) -> list[Cell]:
    return [
        Cell(readable(tensor.name)),
        number(tensor.norm_exponent, "g"),
        number(tensor.certificate, ".4f"),
        number(tensor.lp_error, ".4f"),
        number(tensor.lp_error_svd, ".4f"),
    ]
