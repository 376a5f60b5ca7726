# SPDX-License-Identifier: Apache-2.0
"""Codecs of one matrix: libraries that compress vectors, weight quantizers applied to the table, and plain baselines.

A quantizer that supports only linear layers gets a `torch.nn.Linear` with the table as its weight: its groups then run
along the rows of the table, as in a layer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from controls import lplr, messi_table, svd_f16
from peer import THREADS, Encoded, Setting, packed, saved_arrays


def plain_integers(bits: int, group: int, a: np.ndarray) -> Encoded:
    """Rounds each group of a row to 2^bits equally spaced values, with scale and offset in f16."""
    groups = a.reshape(-1, group)
    low = groups.min(axis=1, keepdims=True).astype(np.float16)
    step = np.maximum((groups.max(axis=1, keepdims=True) - low) / (2**bits - 1), 1e-7).astype(np.float16)
    codes = np.clip(np.round((groups - low) / step.astype(np.float32)), 0, 2**bits - 1).astype(np.uint8)
    arrays = {"codes": packed(codes, bits), "low": low, "step": step}
    return Encoded(saved_arrays(arrays), lambda: (low + codes * step.astype(np.float32)).reshape(a.shape))


def faiss_index(factory: str, a: np.ndarray) -> Encoded:
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = faiss.index_factory(a.shape[1], factory)
    index.train(a)
    index.add(a)
    return Encoded(
        lambda folder: faiss.write_index(index, str(folder / "table.faiss")), lambda: index.reconstruct_n(0, len(a))
    )


def model2vec_table(clusters: int | None, a: np.ndarray) -> Encoded:
    """int8 rows, or int8 centroids if `clusters` is given.

    model2vec drops the scale, since it compares directions; here it is restored as one number."""
    from model2vec.quantization import DType, quantize_embeddings
    from model2vec.vocabulary_quantization import quantize_vocabulary

    arrays: dict[str, np.ndarray] = {}
    rows = a
    if clusters is not None:
        rows, arrays["mapping"], arrays["weights"] = quantize_vocabulary(clusters, None, a)
    arrays["embeddings"] = quantize_embeddings(rows, DType.Int8)
    scale = np.float32(np.abs(rows).max() / 127)

    def decode() -> np.ndarray:
        decoded = scale * arrays["embeddings"].astype(np.float32)
        return decoded if clusters is None else decoded[arrays["mapping"]] * arrays["weights"][:, None]

    return Encoded(saved_arrays(arrays), decode)


def hqq_table(bits: int, group: int, a: np.ndarray) -> Encoded:
    import torch
    from hqq.core.quantize import Quantizer

    weights = torch.from_numpy(a.copy())
    codes, meta = Quantizer.quantize(
        weights, nbits=bits, group_size=group, axis=1, device="cpu", compute_dtype=torch.float32
    )
    meta = {key: value.half() if key in ("scale", "zero") else value for key, value in meta.items()}
    arrays = {"codes": codes.numpy(), "scale": meta["scale"].numpy(), "zero": meta["zero"].numpy()}

    def decode() -> np.ndarray:
        wide = {key: value.float() if key in ("scale", "zero") else value for key, value in meta.items()}
        return Quantizer.dequantize(codes, wide).float().numpy()

    return Encoded(saved_arrays(arrays), decode)


def as_linear(a: np.ndarray) -> Any:
    import torch

    layer = torch.nn.Linear(a.shape[1], a.shape[0], bias=False)
    layer.weight = torch.nn.Parameter(torch.from_numpy(a.copy()), requires_grad=False)
    return layer


def as_embedding(a: np.ndarray) -> Any:
    import torch

    return torch.nn.Embedding(*a.shape, _weight=torch.from_numpy(a.copy()))


def torchao_table(bits: int, group: int, a: np.ndarray) -> Encoded:
    """Its own path for embeddings. Codes are held one a byte; they are counted as packed."""
    import torch
    from torchao.quantization import IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerAxis, PerGroup

    granularity = PerGroup(group) if group < a.shape[1] else PerAxis(0)
    config = IntxWeightOnlyConfig(weight_dtype=getattr(torch, f"int{bits}"), granularity=granularity)
    holder = torch.nn.Sequential(as_embedding(a))
    quantize_(holder, config, filter_fn=lambda module, _: isinstance(module, torch.nn.Embedding))
    weight = holder[0].weight
    codes = weight.qdata.numpy().astype(np.int16) + 2 ** (bits - 1)
    arrays = {"codes": packed(codes, bits), "scale": weight.scale.detach().half().numpy()}
    return Encoded(saved_arrays(arrays), lambda: weight.dequantize().detach().float().numpy())


def quanto_table(bits: int, a: np.ndarray) -> Encoded:
    import torch
    from optimum.quanto import freeze, qint2, qint4, qint8, quantize

    holder = torch.nn.Sequential(as_linear(a))
    quantize(holder, weights={2: qint2, 4: qint4, 8: qint8}[bits])
    freeze(holder)
    arrays = {name: value.numpy() for name, value in holder.state_dict().items() if isinstance(value, torch.Tensor)}
    return Encoded(saved_arrays(arrays), lambda: holder[0].weight.dequantize().detach().float().numpy())


def nncf_table(mode: str, group: int, a: np.ndarray) -> Encoded:
    import nncf
    import torch

    ids = torch.arange(len(a))
    options = {"all_layers": True, "group_size": group} if mode.startswith("INT4") else {}
    model = nncf.compress_weights(
        as_embedding(a).eval(), mode=getattr(nncf.CompressWeightsMode, mode), dataset=nncf.Dataset([ids[:8]]), **options
    )
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}

    @torch.inference_mode()
    def decode() -> np.ndarray:
        return model(ids).float().numpy()

    return Encoded(saved_arrays(arrays), decode)


def auto_round_table(bits: int, group: int, a: np.ndarray) -> Encoded:
    """The rounding that `auto-round-rtn` applies to a layer, asymmetric; scales f16, zero points packed."""
    import torch
    from auto_round.data_type.utils import get_quant_func

    function, _ = get_quant_func("int", bits, sym=False)
    decoded, scale, zero = function(torch.from_numpy(a.copy()), bits=bits, group_size=group)
    scale, zero = scale.reshape(-1, 1).float(), zero.reshape(-1, 1).float()
    codes = torch.clamp(torch.round(decoded.float().reshape(-1, group) / scale + zero), 0, 2**bits - 1)
    arrays = {
        "codes": packed(codes.numpy(), bits),
        "scale": scale.half().numpy(),
        "zero": packed(zero.numpy(), bits),
    }
    return Encoded(saved_arrays(arrays), lambda: decoded.float().numpy())


def gather_model(a: np.ndarray) -> Any:
    """An ONNX model of one lookup in the table."""
    from onnx import TensorProto, helper, numpy_helper

    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", a.shape[1]])
    node = helper.make_node("Gather", ["table", "ids"], ["rows"], name="lookup")
    graph = helper.make_graph([node], "lookup", [ids], [rows], [numpy_helper.from_array(a, "table")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def looked_up(model: bytes, rows: int) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model)
    return np.asarray(session.run(None, {"ids": np.arange(rows)})[0])


def onnxruntime_int8(a: np.ndarray) -> Encoded:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as scratch:
        dense, small = Path(scratch, "dense.onnx"), Path(scratch, "small.onnx")
        onnx.save(gather_model(a), dense)
        quantize_dynamic(dense, small, weight_type=QuantType.QUInt8)
        model = small.read_bytes()
    return Encoded(lambda folder: (folder / "table.onnx").write_bytes(model), lambda: looked_up(model, len(a)))


def onnxruntime_int4(block: int, a: np.ndarray) -> Encoded:
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    config = DefaultWeightOnlyQuantConfig(
        block_size=block,
        is_symmetric=False,
        quant_format=QuantFormat.QOperator,
        op_types_to_quantize=("MatMul", "Gather"),
    )
    quantizer = MatMulNBitsQuantizer(gather_model(a), algo_config=config)
    quantizer.process()
    model = quantizer.model.model.SerializeToString()
    return Encoded(lambda folder: (folder / "table.onnx").write_bytes(model), lambda: looked_up(model, len(a)))


def setting(name: str, package: str | None, usage: str, encode: Callable[..., Encoded], *options: object) -> Setting:
    return Setting(name, ("numpy",) if package is None else (package,), usage, partial(encode, *options))


FAISS = ("SQ8", "SQ6", "SQ4", "PQ48np", "PQ96np", "PQ192np", "PQ192x4np", "OPQ48,PQ48np", "OPQ96,PQ96np")
FAISS_RESIDUAL = ("RQ12x6", "PRQ24x2x8", "PRQ48x2x8")

CODECS = [
    *(
        setting(
            f"hqq {bits} bits, groups of {group}", "hqq", f"Quantizer.quantize(w, nbits={bits})", hqq_table, bits, group
        )
        for bits, group in ((8, 64), (4, 64), (3, 64), (2, 32), (2, 16))
    ),
    setting("onnxruntime dynamic int8", "onnxruntime", "quantize_dynamic(a, b)", onnxruntime_int8),
    setting(
        "onnxruntime 4 bits, blocks of 32", "onnxruntime", "MatMulNBitsQuantizer(m).process()", onnxruntime_int4, 32
    ),
    setting("nncf INT8_ASYM", "nncf", "compress_weights(m)", nncf_table, "INT8_ASYM", -1),
    setting("nncf INT4_ASYM, groups of 64", "nncf", "compress_weights(m, INT4_ASYM)", nncf_table, "INT4_ASYM", 64),
    *(
        setting(
            f"auto-round RTN W{bits}, groups of {group}", "auto-round", "auto-round-rtn", auto_round_table, bits, group
        )
        for bits, group in ((8, 128), (4, 128), (4, 32), (3, 64), (2, 32))
    ),
    *(
        setting(
            f"torchao int{bits}, groups of {group}",
            "torchao",
            f"quantize_(m, IntxWeightOnlyConfig(torch.int{bits}))",
            torchao_table,
            bits,
            group,
        )
        for bits, group in ((8, 384), (4, 32), (3, 32), (2, 32))
    ),
    *(
        setting(
            f"optimum-quanto qint{bits}", "optimum-quanto", f"quantize(m, qint{bits}); freeze(m)", quanto_table, bits
        )
        for bits in (8, 4, 2)
    ),
    *(
        setting(f"faiss {factory}", "faiss-cpu", f'index_factory(384, "{factory}").train/add', faiss_index, factory)
        for factory in FAISS + FAISS_RESIDUAL
    ),
    setting("model2vec int8", "model2vec", "quantize_model(m, quantize_to=int8)", model2vec_table, None),
    *(
        setting(
            f"model2vec {count} centroids, int8",
            "model2vec",
            f"quantize_model(m, vocabulary_quantization={count})",
            model2vec_table,
            count,
        )
        for count in (1500, 6000)
    ),
    *(
        setting(
            f"round to nearest int{bits}, groups of {group}", None, "six lines of NumPy", plain_integers, bits, group
        )
        for bits, group in ((8, 384), (4, 64), (3, 64), (2, 32))
    ),
    *(setting(f"LPLR, {bits:g} bits", None, "our own lines", lplr, bits) for bits in (0.75, 1, 1.5, 2, 3, 4, 6)),
    *(setting(f"SVD, f16, {bits:g} bits", None, "np.linalg.svd", svd_f16, bits) for bits in (1, 2, 4, 8)),
    *(setting(f"MESSI k=10, f16, {bits:g} bits", None, "our own lines", messi_table, bits) for bits in (2, 4, 8)),
]
