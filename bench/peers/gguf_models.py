# SPDX-License-Identifier: Apache-2.0
"""The rows of GGUF in the table of whole models.

ggml quantizes and the package gguf writes the file, as llama.cpp reads it. Rows named GGUF decode it into the torch
model; those named llama.cpp run it. Tensors get the types of llama-quantize: position and type tables stay f32, and
rows whose width is no multiple of 256 take a type of blocks of 32.
"""

from __future__ import annotations

import ctypes
import functools
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matrices import minilm_folder
from models import Forward, Runtime, is_linear, torch_batches, torch_forward, torch_model
from peer import THREADS, Setting

FILE = "model.gguf"
CONTEXT, SENTENCES = 512, 64  # of a batch of llama.cpp, whose attention takes the square of its tokens
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


def llama_names() -> dict[str, str]:
    """The names of llama.cpp for the tensors of the model."""
    import gguf

    model = torch_model()
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, model.config.num_hidden_layers)
    return {name: names.get_name(name, (".weight", ".bias")) for name in model.state_dict()}


def add_metadata(writer: Any) -> None:
    """What llama.cpp must know of a model of this architecture, and its vocabulary."""
    import gguf
    from transformers import AutoTokenizer

    config, tokenizer = torch_model().config, AutoTokenizer.from_pretrained(minilm_folder())
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.NONE)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.all_special_ids)
    starts = [token if i in special or token.startswith("##") else f"\u2581{token}" for i, token in enumerate(tokens)]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token.removeprefix("##") for token in starts])
    kinds = gguf.TokenType
    writer.add_token_types([kinds.CONTROL if i in special else kinds.NORMAL for i in range(len(tokens))])
    writer.add_token_type_count(config.type_vocab_size)
    writer.add_unk_token_id(tokenizer.unk_token_id)
    writer.add_bos_token_id(tokenizer.cls_token_id)
    writer.add_sep_token_id(tokenizer.sep_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_mask_token_id(tokenizer.mask_token_id)


def saved(kind: str, with_text: bool, folder: Path) -> None:
    import gguf

    weights = importance() if with_text else {}
    writer = gguf.GGUFWriter(folder / FILE, "bert")
    add_metadata(writer)
    names = llama_names()
    for name, tensor in torch_model().state_dict().items():
        array = tensor.numpy()
        if array.ndim != 2 or name in IN_F32:
            writer.add_tensor(names[name], array.astype(np.float32))
            continue
        chosen = gguf.GGMLQuantizationType[type_of(kind, name, array.shape[1])]
        writer.add_tensor(names[name], quantized(array, chosen, weights.get(name)), raw_dtype=chosen)
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
    names, shapes = llama_names(), {name: tensor.shape for name, tensor in model.state_dict().items()}
    model.load_state_dict(
        {name: torch.from_numpy(arrays[names[name]].copy()).view(shape) for name, shape in shapes.items()}
    )
    return torch_forward(model)


@functools.cache
def silent() -> Any:
    """A callback that takes the messages of llama.cpp; the cache keeps it alive."""
    import llama_cpp

    return llama_cpp.llama_log_callback(lambda level, text, data: None)


def llama_context(folder: Path) -> tuple[Any, int]:
    """A context of llama.cpp and the width of its states.

    Without the extra buffer types: with them, products crash on processors with AMX (llama-cpp-python 0.3.36)."""
    import llama_cpp

    llama_cpp.llama_log_set(silent(), None)
    llama_cpp.llama_backend_init()
    options = llama_cpp.llama_model_default_params()
    options.use_extra_bufts = False
    model = llama_cpp.llama_model_load_from_file(str(folder / FILE).encode(), options)
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = CONTEXT
    settings.n_seq_max = SENTENCES
    settings.kv_unified = settings.embeddings = True
    settings.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
    settings.n_threads = settings.n_threads_batch = THREADS
    return llama_cpp.llama_init_from_model(model, settings), llama_cpp.llama_model_n_embd(model)


def run_by_llama(folder: Path) -> Forward:
    """The states of all tokens; each sentence is a sequence, and a batch has as many as fit into its context."""
    import llama_cpp

    context, width = llama_context(folder)
    batch = llama_cpp.llama_batch_init(CONTEXT, 0, 1)

    def some(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        places = np.argwhere(mask > 0)
        for i, (sentence, position) in enumerate(places):
            batch.token[i], batch.pos[i] = int(ids[sentence, position]), int(position)
            batch.n_seq_id[i], batch.logits[i] = 1, True
            batch.seq_id[i][0] = int(sentence)
        batch.n_tokens = len(places)
        if code := llama_cpp.llama_encode(context, batch):
            raise RuntimeError(f"llama_encode returned {code}")
        hidden = np.zeros((*ids.shape, width), np.float32)
        hidden[mask > 0] = np.ctypeslib.as_array(llama_cpp.llama_get_embeddings(context), (len(places), width))
        return hidden

    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        size = min(SENTENCES, CONTEXT // ids.shape[1])
        return np.concatenate([some(ids[i : i + size], mask[i : i + size]) for i in range(0, len(ids), size)])

    return forward


def setting(kind: str, with_text: bool) -> Setting:
    name = f"GGUF {kind}" + (", imatrix, text" if with_text else "")
    usage = f"llama-quantize {'--imatrix TEXT ' if with_text else ''}{kind}"
    runtime = Runtime(partial(saved, kind, with_text), decoded)
    return Setting(name, ("gguf", "libggml-python", "torch"), usage, lambda: runtime, False)


def run_setting(kind: str) -> Setting:
    runtime = Runtime(partial(saved, kind, False), run_by_llama)
    packages = ("gguf", "libggml-python", "llama-cpp-python", "torch")
    return Setting(f"llama.cpp {kind}", packages, f"llama-embedding -m {kind}.gguf", lambda: runtime)


SETTINGS = [
    *(setting(kind, False) for kind in ("Q8_0", MIXTURE, "Q4_K")),
    *(setting(kind, True) for kind in ("Q4_K", "IQ3_S", "IQ2_XS")),
    *(run_setting(kind) for kind in ("Q8_0", MIXTURE)),
]
