# SPDX-License-Identifier: Apache-2.0
"""The rows of GGUF in the table of whole models.

ggml quantizes, the package gguf writes the file and decodes it into the torch model. Tensors get the types of
llama-quantize: position and type tables stay f32, and rows whose width is no multiple of 256 take a type of blocks of
32.
"""

from __future__ import annotations

import ctypes
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from models import Forward, Runtime, is_linear, torch_batches, torch_forward, torch_model
from peer import Setting

FILE = "model.gguf"
BLOCK = 256  # of k-quants and i-quants
NARROW = {"Q4_K": "Q5_0", "Q6_K": "Q8_0", "IQ3_S": "IQ4_NL", "IQ2_XS": "IQ4_NL"}
IN_F32 = ("embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight")
MIXTURE = "Q4_K_M"
FINER_BLOCKS = ("encoder.layer.2.", "encoder.layer.5.")  # of 6: those to which the mixture gives more bits
FINER_LAYERS = ("attention.self.value.weight", "output.dense.weight")


def type_of(kind: str, name: str, width: int) -> str:
    """The type of a matrix in a file of this kind."""
    chosen = kind
    if kind == MIXTURE:
        finer = name in {block + layer for block in FINER_BLOCKS for layer in FINER_LAYERS}
        # A table without an output matrix counts as the output matrix.
        chosen = "Q6_K" if finer or name.startswith("embeddings.") else "Q4_K"
    return NARROW.get(chosen, chosen) if width % BLOCK else chosen


def importance() -> dict[str, np.ndarray]:
    """The mean square of each input of each linear layer over the calibration text, as llama-imatrix computes it."""
    import torch

    model = torch_model()
    squares: dict[str, Any] = {}
    rows: dict[str, int] = {}

    def add(name: str, inputs: Any) -> None:
        x = inputs.reshape(-1, inputs.shape[-1])
        squares[name] = squares.get(name, 0) + x.square().sum(0)
        rows[name] = rows.get(name, 0) + len(x)

    for name, module in model.named_modules():
        if is_linear(module):
            module.register_forward_pre_hook(lambda _, inputs, name=f"{name}.weight": add(name, inputs[0]))
    with torch.no_grad():
        for batch in torch_batches():
            model(**batch)
    return {name: (total / rows[name]).numpy() for name, total in squares.items()}


def quantized(a: np.ndarray, kind: Any, weights: np.ndarray | None) -> np.ndarray:
    """The rows of a matrix as bytes, by ggml."""
    import gguf
    import libggml

    library = ctypes.CDLL(str(Path(libggml.__file__).parent / "lib64" / "libggml-base.so"))
    quantize = library.ggml_quantize_chunk
    floats = ctypes.POINTER(ctypes.c_float)
    quantize.argtypes = [ctypes.c_int, floats, ctypes.c_void_p, *[ctypes.c_int64] * 3, floats]
    quantize.restype = ctypes.c_size_t
    entries, size = gguf.GGML_QUANT_SIZES[kind]
    codes = np.empty((len(a), a.shape[1] // entries * size), np.uint8)
    a = np.ascontiguousarray(a, np.float32)
    given = None if weights is None else np.ascontiguousarray(weights, np.float32).ctypes.data_as(floats)
    written = quantize(kind, a.ctypes.data_as(floats), codes.ctypes.data, 0, *a.shape, given)
    if written != codes.nbytes:
        raise RuntimeError(f"ggml wrote {written} bytes, not {codes.nbytes}")
    return codes


def saved(kind: str, with_text: bool, folder: Path) -> None:
    import gguf

    weights = importance() if with_text else {}
    writer = gguf.GGUFWriter(folder / FILE, "bert")
    for name, tensor in torch_model().state_dict().items():
        array = tensor.numpy()
        if array.ndim != 2 or name in IN_F32:
            writer.add_tensor(name, array.astype(np.float32))
            continue
        chosen = gguf.GGMLQuantizationType[type_of(kind, name, array.shape[1])]
        writer.add_tensor(name, quantized(array, chosen, weights.get(name)), raw_dtype=chosen)
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
    model.load_state_dict({name: torch.from_numpy(array.copy()).view(shapes[name]) for name, array in arrays.items()})
    return torch_forward(model)


def setting(kind: str, with_text: bool) -> Setting:
    name = f"GGUF {kind}" + (", imatrix, text" if with_text else "")
    usage = f"llama-quantize {'--imatrix TEXT ' if with_text else ''}{kind}"
    runtime = Runtime(partial(saved, kind, with_text), decoded)
    return Setting(name, ("gguf", "libggml-python", "torch"), usage, lambda: runtime, False)


SETTINGS = [
    *(setting(kind, False) for kind in ("Q8_0", MIXTURE, "Q4_K")),
    *(setting(kind, True) for kind in ("Q4_K", "IQ3_S", "IQ2_XS")),
]
