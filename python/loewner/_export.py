# SPDX-License-Identifier: Apache-2.0
"""The verb `export`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loewner._choices import choice
from loewner._core import IfExists

LINEAR = ("int8", "folded", "blocks")


@dataclass(frozen=True)
class ExportReport:
    """What `export` wrote.

    Attributes
    ----------
    file : str
        The model file.
    bytes : int
        Its size, with that of a data file beside it.
    linear : str
        The form of linear layers that was asked for.
    inputs : tuple of str
        Names of the inputs of the graph.
    output : str
        Name of its output.
    encoded_tensors : tuple of str
        Tensors that are encoded in the file.
    left_out : tuple of str
        Encoded tensors that the graph does not use, such as those of another head.
    """

    file: str
    bytes: int
    linear: str
    inputs: tuple[str, ...]
    output: str
    encoded_tensors: tuple[str, ...]
    left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as the command line writes it with --json."""
        return asdict(self)

    def __repr__(self) -> str:
        count = len(self.encoded_tensors)
        tensors = f"{count} encoded tensor{'' if count == 1 else 's'}"
        return f"<ExportReport: {self.file}, {self.bytes / 1e6:.2f} MB, {tensors}, linear {self.linear}>"


def export(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    name: str = "model.onnx",
    linear: str = "int8",
    sentence: bool = False,
    inline: bool = False,
    if_exists: IfExists | str = "refuse",
    progress: Callable[[str, float], None] | None = None,
) -> ExportReport:
    """Write a model as an ONNX file whose graph decodes the encoded matrices.

    Parameters
    ----------
    model : str or os.PathLike
        Folder that `compress` wrote, or any model folder that transformers loads.
    output : str or os.PathLike
        Folder to write; its parent must exist. The file is onnx/NAME in it; configuration and tokenizer are beside.
    name : str, default "model.onnx"
        Name of the file.
    linear : {"int8", "folded", "blocks"}, default "int8"
        Linear layers. "folded": the runtime decodes them to float32 when it loads the file. "int8": it decodes layers
        in codes of at most 6 bits to integers of 8 bits and multiplies them as such; outputs change a little, memory
        is lower. "blocks": layers in integers, of the methods int8 and int4, stay as they are in memory; only
        onnxruntime has their operator. Layers that a form does not concern are folded.
    sentence : bool, default False
        End the graph with the pooling of a sentence-transformers folder. Its output is then `sentence_embedding`.
    inline : bool, default False
        No local functions in the file: their nodes are in the graph itself. For runtimes that do not know functions,
        such as OpenVINO; the file grows by some ten kB.
    if_exists : {"refuse", "overwrite"}, default "refuse"
        What to do if the output exists. "overwrite" replaces an output of `export` or an empty folder, nothing else.
    progress : callable, optional
        Called as ``progress(task, share)`` with the share done in [0, 1].

    Returns
    -------
    ExportReport
        File, size and encoded tensors.

    Raises
    ------
    ImportError
        If packages of the extra `onnx` are missing.
    ValueError
        If an option is out of range, the model has an encoder and a decoder, or linear is "blocks" and no layer is in
        integers.
    IoError
        If a file cannot be read or written, or the output exists.

    Notes
    -----
    Only standard operators of opset 18 are used, but for "blocks". Tables decode the rows that are looked up. Numbers
    of sentences and tokens are free. The output appears complete or not at all.

    Examples
    --------
    >>> import loewner
    >>> loewner.export("SMALLER", "SMALLER-ONNX")  # doctest: +SKIP
    <ExportReport: SMALLER-ONNX/onnx/model.onnx, 48.52 MB, 1 encoded tensor, linear int8>
    """
    if linear not in LINEAR:
        raise ValueError(f"export: linear must be one of {', '.join(LINEAR)}, got '{linear}'")
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        from loewner.onnx.export.exporting import export_model
    except ImportError as error:
        raise ImportError(f"export needs {error.name}: pip install 'loewner[onnx]'") from error
    data = export_model(
        Path(model),
        Path(output),
        name=name,
        linear=linear,  # type: ignore[arg-type]
        sentence=sentence,
        inline=inline,
        if_exists=choice(IfExists, if_exists, "export: if_exists"),
        progress=progress,
    )
    values: dict[str, Any] = {field: tuple(v) if isinstance(v, list) else v for field, v in data.items()}
    return ExportReport(**values)
