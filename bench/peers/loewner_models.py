# SPDX-License-Identifier: Apache-2.0
"""The rows of loewner in the table of whole models."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from matrices import minilm_folder
from models import TEXT, Forward, Runtime, pretrained, torch_forward
from onnx_models import onnx_session
from peer import Setting

SIZES = ("5.5", "7.1", "9.3", "11.9", "13.5", "22.8")  # MB of the whole file; peers with 8 bits have 22.9 and more
TIMED = "9.3"  # the other sizes are decoded to the same layers
SENTENCES = ", 2000 sentences"
TEXTS = {
    "": ("package", ""),
    SENTENCES: (str(TEXT), " --text FILE"),
}


def table(bits: float, folder: Path) -> None:
    import loewner

    loewner.compress(minilm_folder(), folder / "small", bits=bits, text="package")


def whole(budget: str, text: str, folder: Path) -> None:
    import loewner

    loewner.compress(minilm_folder(), folder / "small", budget=budget, selection="all", text=text)


def decoded(folder: Path) -> Forward:
    return pretrained(folder / "small")


def encoded(folder: Path) -> Forward:
    """Coded layers stay encoded in memory."""
    import loewner

    return torch_forward(loewner.load(folder / "small", memory="small").eval())


def whole_onnx(budget: str, folder: Path) -> None:
    """The ONNX file with products in 8-bit integers, the smallest in memory."""
    import loewner

    whole(budget, "package", folder)
    loewner.export(folder / "small", folder / "export", linear="int8")
    shutil.rmtree(folder / "small")  # only the ONNX file counts


def name_at(megabytes: float, with_text: bool) -> str | None:
    """The row of the largest file of no more bytes, calibrated on the text of the user or on that of the package."""
    sizes = [size for size in SIZES if float(size) <= megabytes]
    return f"loewner, {sizes[-1]} MB{SENTENCES if with_text else ''}" if sizes else None


def whole_setting(size: str, name: str, text: str, option: str) -> Setting:
    runtime = Runtime(partial(whole, f"{size}MB", text), decoded)
    usage = f"loewner compress --all --budget {size}MB{option}"
    return Setting(f"loewner, {size} MB{name}", ("loewner", "torch"), usage, lambda: runtime, size == TIMED)


def small_setting(size: str) -> Setting:
    name, usage = f"loewner, {size} MB, memory=small", f"loewner compress --all --budget {size}MB"
    return Setting(name, ("loewner", "torch"), usage, lambda: Runtime(partial(whole, f"{size}MB", "package"), encoded))


def onnx_setting(size: str) -> Setting:
    runtime = Runtime(partial(whole_onnx, f"{size}MB"), partial(onnx_session, file="export/onnx/model.onnx"))
    usage = f"loewner compress --all --budget {size}MB; export --linear int8"
    return Setting(f"loewner, {size} MB, ONNX", ("loewner", "torch", "onnxruntime"), usage, lambda: runtime, False)


SETTINGS = [
    Setting(
        "loewner, table in 3 bits",
        ("loewner", "torch"),
        "loewner compress --bits 3",
        lambda: Runtime(partial(table, 3.0), decoded),
        False,
    ),
    *(whole_setting(size, name, *text) for name, text in TEXTS.items() for size in SIZES),
    whole_setting("9.3", ", no text", "none", " --text none"),
    small_setting("9.3"),
    *(onnx_setting(size) for size in SIZES[1:]),
]


def coded(options: dict[str, Any], folder: Path) -> None:
    import loewner

    loewner.compress(minilm_folder(), folder / "small", selection="all", **options)


def loaded(folder: Path) -> Forward:
    import loewner

    return torch_forward(loewner.load(folder / "small").eval())


def encoded_setting(name: str, **options: Any) -> Setting:
    runtime = Runtime(partial(coded, options), loaded)
    usage = "loewner compress --all --method M --bits B"
    return Setting(f"loewner, {name}", ("loewner", "torch"), usage, lambda: runtime)


# Layers stay encoded, as by default; see table_encoded_products.
ENCODED_SETTINGS = [
    encoded_setting("codes of 3 bits", method="codes", bits=3.0, text="none"),
    encoded_setting("codes of 4.5 bits", method="codes", bits=4.5, text="none"),
    encoded_setting("input codes of 3 bits", method="codes", bits=3.0, text="package"),
    encoded_setting("int8", method="int8", bits=9.0, text="none"),
    encoded_setting("int4", method="int4", bits=5.0, text="none"),
]
