# SPDX-License-Identifier: Apache-2.0
"""`loewner verify` of ONNX files, and --load, which runs the loader of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loewner import _core
from loewner.commands.common import NotVerified, Options, progress_line, report
from loewner.commands.tables import verification_table
from loewner.onnx import is_onnx_model, require_onnx


def main(options: Options) -> None:
    if is_onnx_model(options.out):
        _verify_onnx(options)
    else:
        _load(options)


def _verify_onnx(options: Options) -> None:
    require_onnx("verify")
    from loewner.onnx.verify.verification import verify_onnx

    if options.threads:
        _core.set_num_threads(options.threads)
    found = verify_onnx(
        Path(options.out),
        _path(options.against),
        row_weights=_path(options.row_weights),
        moments=_path(options.moments),
        tokenizer=_path(options.tokenizer),
        progress=progress_line(options),
    )
    report(options, found, verification_table(found))
    if not found["holds"]:
        raise NotVerified(f"{options.out}: verification failed")


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _load(options: Options) -> None:
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise ImportError("verify --load needs torch and transformers: pip install 'loewner[transformers]'") from error
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    out = Path(options.out)
    classes = _model_classes(out)
    for model_class in classes:
        _require_loadable(out, _path(options.against), model_class)
    if not options.quiet:
        print(f"transformers {transformers.__version__} loads it as {' and '.join(c.__name__ for c in classes)}")


def _model_classes(out: Path) -> list[Any]:
    """The classes that config.json names; otherwise AutoModel."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(out)
    named = [getattr(transformers, name, None) for name in getattr(config, "architectures", None) or []]
    return [model_class for model_class in named if model_class is not None] or [transformers.AutoModel]


def _require_loadable(out: Path, model: Path | None, model_class: Any) -> None:
    found = _problems(out, model_class)
    if not found:
        return
    known = _problems(model, model_class) if model is not None else set()
    new = sorted(found - known)
    if new:
        more = f" and {len(new) - 1} more" if len(new) > 1 else ""
        raise NotVerified(f"{out}: {model_class.__name__} does not load it: {new[0]}{more}")


def _problems(folder: Path, model_class: Any) -> set[str]:
    """What the loader reports about parameters that it did not load."""
    try:
        _, loading = model_class.from_pretrained(folder, output_loading_info=True)
    except Exception as error:  # the loader and the author of the model may raise any exception
        return {" ".join(str(error).split()) or type(error).__name__}
    missing = {f"parameter '{name}' is missing" for name in loading["missing_keys"]}
    mismatched = {f"parameter '{entry[0]}' has another shape" for entry in loading["mismatched_keys"]}
    return missing | mismatched
