# SPDX-License-Identifier: Apache-2.0
"""Sessions of onnxruntime on the processor, with the threads of loewner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onnx import ModelProto

from loewner import _core

_ERRORS_ONLY = 3


def new_session(model: Path | ModelProto, data: Path | None = None) -> Any:
    """A session of a file, or of a message whose external data lie in the folder `data`.

    Raises
    ------
    ImportError
        If onnxruntime is not installed. Other exceptions are those of onnxruntime.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError("ONNX files need onnxruntime: pip install 'loewner[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _core.num_threads()
    options.log_severity_level = _ERRORS_ONLY
    if data is not None:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(data.resolve()))
    source = model.SerializeToString() if isinstance(model, ModelProto) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
