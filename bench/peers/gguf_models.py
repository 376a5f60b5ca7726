# SPDX-License-Identifier: Apache-2.0
"""The rows of GGUF in the table of whole models: files by the package gguf, decoded into the torch model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from models import Forward, Runtime, torch_forward, torch_model
from peer import Setting

FILE = "model.gguf"


def saved(kind: str, folder: Path) -> None:
    """All matrices in one type, the other tensors in f32."""
    import gguf

    writer = gguf.GGUFWriter(folder / FILE, "bert")
    for name, tensor in torch_model().state_dict().items():
        array, choice = tensor.numpy(), gguf.GGMLQuantizationType[kind]
        if array.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(array, choice), raw_dtype=choice)
        else:
            writer.add_tensor(name, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def decoded(folder: Path) -> Forward:
    import gguf
    import torch

    tensors = gguf.GGUFReader(folder / FILE).tensors
    arrays = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type) for tensor in tensors}
    model = torch_model()
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    state = {name: torch.from_numpy(array.copy()).view(shapes[name]) for name, array in arrays.items()}
    model.load_state_dict(state)
    return torch_forward(model)


def setting(kind: str) -> Setting:
    usage = f"gguf.quants.quantize(w, {kind})"
    return Setting(f"GGUF {kind}", ("gguf", "torch"), usage, lambda: Runtime(partial(saved, kind), decoded), False)


SETTINGS = [setting(kind) for kind in ("Q8_0", "Q5_0", "Q4_0")]
