# SPDX-License-Identifier: Apache-2.0
"""The verbs `compress`, `calibrate`, `verify` and `expand`: the Python side of the commands of these names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from loewner import _core
from loewner._calibration import save_moments
from loewner._choices import choice
from loewner._compression import compress_anywhere
from loewner._core import IfExists, Method, NumberFormat, Selection
from loewner._reports import CalibrateReport, CompressReport, VerifyReport
from loewner._token_counts import save_token_counts
from loewner.onnx import is_onnx_model, require_onnx

Folder: TypeAlias = "str | os.PathLike[str]"
Progress: TypeAlias = Callable[[str, float], None]


def compress(
    model: Folder,
    output: Folder | None = None,
    *,
    keep: float | None = None,
    bits: float | None = None,
    budget: int | str | None = None,
    max_error: float | None = None,
    selection: Selection | str = "embeddings",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    method: Method | str = "auto",
    norm_exponent: float = 1.5,
    row_weights: str | os.PathLike[str] = "zipf",
    factor_format: NumberFormat | str = "f32",
    text: Folder | None = None,
    tokenizer: Folder | None = None,
    moments: Folder | None = None,
    save_moments: Folder | None = None,
    seed: int = 0,
    max_memory: int | str | None = None,
    dry_run: bool = False,
    if_exists: IfExists | str = "refuse",
    copy_all: bool = False,
    ray: str | None = None,
    progress: Progress | None = None,
    **method_options: int | str | None,
) -> CompressReport:
    """Encode matrices of a model folder so that its files become smaller.

    Exactly one of `keep`, `bits`, `budget` and `max_error` sets the size. Every choice can be an enum member or its
    name on the command line.

    Parameters
    ----------
    model : str or os.PathLike
        Model folder with config.json and safetensors files, its URL such as "s3://BUCKET/MODEL" (extra ``fsspec``), or
        an ONNX file.
    output : str or os.PathLike, optional
        Folder or URL to write, or ONNX file; the parent of a folder must exist. Only a dry run works without it.
    keep : float, optional
        Bytes of the selected tensors after / before, in (0, 1).
    bits : float, optional
        Mean bits per weight of the selected tensors.
    budget : int or str, optional
        Size of all weight files of the output, in bytes or as "12MB".
    max_error : float, optional
        Largest relative weighted error of each selected tensor, in (0, 1).
    selection : {"embeddings", "linear", "all"}, default "embeddings"
        Tensors to encode: token embeddings, linear layers and heads, or both.
    include, exclude : str or sequence of str, default ()
        Regular expressions on tensor names. Matches of `include` join the selection; matches of `exclude` leave it.
    method : str or Method, default "auto"
        How matrices are encoded: "svd", "lp", "subspaces", "codes", "coded-svd", "archetypes", "int8", "int4" or
        "dense". "auto" picks for each matrix the encoding with the lowest weighted error at its size.
    norm_exponent : float, default 1.5
        p >= 1 of method "lp" and of the reported l_p errors.
    row_weights : str or os.PathLike, default "zipf"
        Row weights of token embeddings: "zipf" or "zipf:EXPONENT" (token frequency estimated from the token's rank),
        "none", or a file of token counts written by `loewner calibrate`.
    factor_format : {"f32", "f16", "bf16"}, default "f32"
        Number format of stored factors.
    text : str or os.PathLike, optional
        Text that calibrates: a file with one sentence or paragraph on each line, "package" for the text that comes with
        loewner, or "none". The model is run on it. Every linear layer is coded so that its outputs change least, and
        every table so that those of the model do. The tokens of a file also weigh the rows of token embeddings. By
        default it is the package's text, or none with a note where torch or transformers is missing or the model does
        not run. For token embeddings alone it is also none with `row_weights` "none", for static embedding models, and
        with a note for models with more than 2^30 parameters beside their tables.
    tokenizer : str or os.PathLike, optional
        Folder with the tokenizer of an ONNX file. The default is the file's folder.
    moments : str or os.PathLike, optional
        Moments file of a calibration (docs/moments.md). Codes then minimize the errors of the layers' and the model's
        outputs.
    save_moments : str or os.PathLike, optional
        Moments file to write: those that the calibration with a text found. With this file as `moments`, the same
        options give the same weights again, without a text.
    seed : int, default 0
        Random seed. Methods "svd" and "lp" do not use it.
    max_memory : int or str, optional
        Limit of resident memory, in bytes or as "1.5GB". The default is half of the machine's memory.
    dry_run : bool, default False
        Plan and predict errors only; write nothing.
    if_exists : {"refuse", "resume", "overwrite"}, default "refuse"
        What to do if the output exists. "resume" continues an interrupted run. "overwrite" replaces an output of
        loewner or an empty folder, nothing else.
    copy_all : bool, default False
        Copy weights in other formats, training checkpoints and optimizer states too.
    ray : str, optional
        Address of a Ray cluster that encodes, as ``ray.init`` takes it, or "" for its default. All nodes see the model
        and the output at the same paths, or they are URLs. With a text, the process of the caller measures moments
        in the original model first; the output is that of `calibrate` with `activations` and of its file as `moments`.
    progress : callable, optional
        Called as ``progress(task, share)`` with the share done in [0, 1].
    **method_options : int, str or None
        Options of single methods. "subspaces": `num_subspaces` in [1, 256], by default chosen for the size.
        "archetypes": `num_archetypes` in [1, 65536], by default one for each 256 rows, and `archetypes_per_row` in
        [1, 255], by default 4. "coded-svd": `codes`, "trellis" or "entropy"; entropy codes are smaller, and ONNX cannot
        decode them.

    Returns
    -------
    CompressReport
        Encoding, size and errors of each tensor, and total sizes.

    Raises
    ------
    ValueError
        If an option is out of range, or not exactly one size is given.
    BudgetError
        If no encoding of some tensor is small enough.
    IoError
        If a file cannot be read or written, the output exists, or a weight is not finite.

    Notes
    -----
    The output has the same bytes for the same options, for any number of threads, resumed or not. It appears complete
    or not at all.

    Examples
    --------
    >>> import loewner  # MODEL is all-MiniLM-L6-v2
    >>> loewner.compress("MODEL", "SMALLER", bits=3)  # doctest: +SKIP
    <CompressReport: weights 90.9 MB -> 48.4 MB (53.2 %), 1 encoded tensor
      embeddings.word_embeddings.weight: 30522 x 384, coded-svd, 46.9 MB -> 4.39 MB, weighted error 0.1369>
    >>> report = loewner.compress("MODEL", "WHOLE", selection="all", budget="12MB")  # doctest: +SKIP
    >>> report.totals.weights_bytes_after  # doctest: +SKIP
    11914197
    """
    options: dict[str, Any] = dict(
        keep=keep,
        bits=bits,
        budget=_bytes(budget, "compress: budget"),
        max_error=max_error,
        selection=choice(Selection, selection, "compress: selection"),
        include=_patterns(include),
        exclude=_patterns(exclude),
        method=choice(Method, method, "compress: method"),
        norm_exponent=norm_exponent,
        row_weights=os.fspath(row_weights),
        factor_format=choice(NumberFormat, factor_format, "compress: factor_format"),
        seed=seed,
        max_memory=_bytes(max_memory, "compress: max_memory") or 0,
        dry_run=dry_run,
        if_exists=choice(IfExists, if_exists, "compress: if_exists"),
        copy_all=copy_all,
        tokenizer=tokenizer,
        moments="" if moments is None else moments,
        save_moments="" if save_moments is None else save_moments,
        progress=progress,
        **method_options,
    )
    return CompressReport.from_dict(compress_anywhere(model, output or "", text, ray=ray, **options))


def calibrate(
    model: Folder,
    output: Folder,
    *,
    text: Folder | None = None,
    activations: bool = False,
    max_memory: int | str | None = None,
    progress: Progress | None = None,
) -> CalibrateReport:
    """Measure what a model meets in a text: its tokens, or the inputs of its linear layers.

    Parameters
    ----------
    model : str or os.PathLike
        Model folder with a tokenizer.
    output : str or os.PathLike
        File to write. It holds the counts of tokens, for `row_weights` of `compress`; with `activations` the second
        moments of the inputs of all linear layers, for `moments` of `compress`.
    text : str or os.PathLike, optional
        Text with one sentence or paragraph on each line. With `activations` it is by default the text that comes with
        loewner.
    activations : bool, default False
        Run the model and save moments instead of counts. This needs torch.
    max_memory : int or str, optional
        Limit of resident memory with `activations`, in bytes or as "1.5GB". The default is half of the machine's
        memory. A model that does not fit is run on 4096 tokens with weights that are read layer by layer.
    progress : callable, optional
        Called as ``progress(task, share)`` with the share done in [0, 1].

    Returns
    -------
    CalibrateReport
        Numbers of tokens and layers.

    Raises
    ------
    ValueError
        If there is no text, it is empty, or the model cannot be run on it.
    ImportError
        If transformers, or for `activations` torch, is not installed.

    Notes
    -----
    Moments are those of the original model. `compress` with `text` and `save_moments` saves those of a partly encoded
    model, which correct for the errors of earlier layers too.

    Examples
    --------
    >>> import loewner
    >>> loewner.calibrate("MODEL", "moments.safetensors", activations=True)  # doctest: +SKIP
    """
    if activations:
        limit = _bytes(max_memory, "calibrate: max_memory") or 0
        return CalibrateReport(**save_moments(model, output, text, limit, progress))
    if text is None:
        raise ValueError("calibrate: counting tokens needs a text")
    return CalibrateReport(**save_token_counts(model, output, text, progress))


def verify(
    output: Folder,
    model: Folder | None = None,
    *,
    row_weights: Folder | None = None,
    moments: Folder | None = None,
    tokenizer: Folder | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Check an encoded folder: its checksums and sizes, and against the original model its errors and other tensors.

    Parameters
    ----------
    output : str or os.PathLike
        Folder or ONNX file that `compress` wrote, or ONNX file or folder that `export` wrote.
    model : str or os.PathLike, optional
        The original model folder, or ONNX file if `compress` made an ONNX file of it. Without it only checksums and
        sizes are checked.
    row_weights : str or os.PathLike, optional
        The file of token counts, if the model was compressed with one. The path that the output states is not opened.
    moments : str or os.PathLike, optional
        The moments file with which linear layers were compressed (`moments` or `save_moments` of `compress`). The
        errors of their outputs are then measured again. It needs `model`.
    tokenizer : str or os.PathLike, optional
        Folder with the tokenizer of an ONNX file. The default is the original file's folder.
    progress : callable, optional
        Called as ``progress(task, share)`` with the share done in [0, 1].

    Returns
    -------
    VerifyReport
        `holds` is True if verification succeeded. A failed verification does not raise.

    Raises
    ------
    ValueError
        If `moments` is given without `model`.
    IoError
        If a folder cannot be read, its format is broken, or the moments are those of another model.

    Notes
    -----
    Every file but README.md has a checksum, and sizes in the model card and in the index must be those of the files. A
    stored error is accepted if it agrees with the recomputed one to 1e-4 relative or 1e-6 absolute. Tensors that are
    not encoded must equal the original's byte for byte, and values of config.json must be the same. Files that were
    added or removed, and fields of config.json that the original does not have or that are missing, are notes and not
    failures. After `save_pretrained` only the encoded tensors have checksums.

    Examples
    --------
    >>> import loewner
    >>> loewner.verify("SMALLER", "MODEL")  # doctest: +SKIP
    <VerifyReport: verification succeeded, 1 encoded tensor, 103 unchanged tensors>
    """
    if is_onnx_model(output):
        require_onnx("verify")
        from loewner.onnx.verify.verification import verify_onnx

        return VerifyReport.from_dict(
            verify_onnx(
                Path(output),
                _path(model),
                row_weights=_path(row_weights),
                moments=_path(moments),
                tokenizer=_path(tokenizer),
                progress=progress,
            )
        )
    return VerifyReport.from_dict(
        _core.verify(output, model, row_weights=row_weights, moments=moments, progress=progress)
    )


def expand(
    model: Folder, output: Folder, *, if_exists: IfExists | str = "refuse", progress: Progress | None = None
) -> None:
    """Decode an encoded folder into an ordinary dense checkpoint.

    Parameters
    ----------
    model : str or os.PathLike
        Folder that `compress` wrote.
    output : str or os.PathLike
        Folder to write; its parent must exist.
    if_exists : {"refuse", "overwrite"}, default "refuse"
        What to do if the output exists.
    progress : callable, optional
        Called as ``progress(task, share)`` with the share done in [0, 1].

    Raises
    ------
    ValueError
        If the output is the model folder, contains it or lies in it.
    IoError
        If a file cannot be read or written, or the output exists.

    Notes
    -----
    Each encoded tensor gets its original number format. Names of files and shards stay the same. The output appears
    complete or not at all.

    Examples
    --------
    >>> import loewner
    >>> loewner.expand("SMALLER", "DENSE")  # doctest: +SKIP
    """
    _core.expand(model, output, if_exists=choice(IfExists, if_exists, "expand: if_exists"), progress=progress)


def _bytes(size: int | str | None, name: str) -> int | None:
    return _core.parse_byte_size(name, size) if isinstance(size, str) else size


def _path(path: Folder | None) -> Path | None:
    return None if path is None else Path(path)


def _patterns(patterns: str | Sequence[str]) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns)
