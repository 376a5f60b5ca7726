# SPDX-License-Identifier: Apache-2.0
"""All-MiniLM-L6-v2 compressed by loewner and by every peer that supports whole models, in the order of the tables."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import folder_models
import gguf_models
import loewner_models
import onnx_models
import openvino_models
import packed_models
import torch_models
from models import Runtime, pretrained, torch_model
from peer import ROOT, Setting

WEIGHTS = (".safetensors", ".pt", ".onnx", ".xml", ".bin", ".gguf")


def dense() -> Runtime:
    return Runtime(lambda folder: torch_model().save_pretrained(folder), pretrained)


def bfloat16() -> Runtime:
    return Runtime(lambda folder: torch_model().bfloat16().save_pretrained(folder), pretrained)


RUNTIMES = [
    Setting("torch f32", ("torch",), "AutoModel.from_pretrained", dense),
    Setting("torch bf16", ("torch",), "AutoModel.from_pretrained(dtype=bfloat16)", bfloat16),
    *loewner_models.SETTINGS,
    *onnx_models.SETTINGS,
    *openvino_models.SETTINGS,
    *torch_models.SETTINGS,
    *folder_models.SETTINGS,
    *packed_models.SETTINGS,
    *gguf_models.SETTINGS,
]
BESIDE_LAYERS = (
    *("torch f32", "torch bf16", "onnxruntime f32", "onnxruntime dynamic int8"),
    *("OpenVINO f32", "OpenVINO int8, text", "llama.cpp Q8_0", "llama.cpp Q4_K_M"),
)
# Of the table of layers that stay encoded; times are relative to those of the first.
LAYER_TIMES = [
    *(setting for setting in RUNTIMES if setting.name in BESIDE_LAYERS),
    *loewner_models.ENCODED_SETTINGS,
]


def runtime_of(name: str) -> Setting:
    return next(setting for setting in [*RUNTIMES, *LAYER_TIMES] if setting.name == name)


def folder_of(name: str) -> Path:
    return ROOT / "out" / "peers" / hashlib.sha256(name.encode()).hexdigest()[:16]


def processor_seconds() -> float:
    """Of this process and its finished children, on all cores; other programs on the machine do not count."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make(name: str) -> dict:
    """Writes the smaller model."""
    folder = folder_of(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    runtime = runtime_of(name).run()
    before = processor_seconds()
    runtime.make(folder)
    weights = [file for file in folder.rglob("*") if file.suffix in WEIGHTS]
    return {"bytes": sum(file.stat().st_size for file in weights), "processor_seconds": processor_seconds() - before}
