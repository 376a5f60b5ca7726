# SPDX-License-Identifier: Apache-2.0
"""All-MiniLM-L6-v2 compressed by loewner and by every peer that supports whole models, in the order of the table."""

from __future__ import annotations

import folder_models
import gguf_models
import loewner_models
import onnx_models
import openvino_models
import packed_models
import torch_models
from models import Runtime, pretrained, torch_model
from peer import Setting


def dense() -> Runtime:
    return Runtime(lambda folder: torch_model().save_pretrained(folder), pretrained)


RUNTIMES = [
    Setting("torch f32", ("torch",), "AutoModel.from_pretrained", dense),
    *loewner_models.SETTINGS,
    *onnx_models.SETTINGS,
    *openvino_models.SETTINGS,
    *torch_models.SETTINGS,
    *folder_models.SETTINGS,
    *packed_models.SETTINGS,
    *gguf_models.SETTINGS,
]
