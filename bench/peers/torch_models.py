# SPDX-License-Identifier: Apache-2.0
"""The rows of packages that change a torch model, in the table of whole models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from int8_tables import NAME, with_int8_tables
from models import (
    Forward,
    Runtime,
    as_state,
    example,
    from_state,
    is_embedding,
    is_linear,
    pickled,
    replace,
    torch_batches,
    unpickled,
)
from peer import Setting

Load = Callable[[Path], Forward]


def torchao_table(model: Any) -> Any:
    """All tables in 8 bits, a scale for each row."""
    import torch
    from torchao.quantization import IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerAxis

    quantize_(model, IntxWeightOnlyConfig(weight_dtype=torch.int8, granularity=PerAxis(0)), filter_fn=is_embedding)
    return model


def torchao_int8(model: Any) -> Any:
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    quantize_(model, Int8DynamicActivationInt8WeightConfig(), filter_fn=is_linear)
    return torchao_table(model)


def of_one_length() -> list[dict[str, Any]]:
    """The batches of the most frequent length."""
    batches = torch_batches()
    lengths = [batch["input_ids"].shape[1] for batch in batches]
    most = max(lengths, key=lengths.count)
    return [batch for batch, length in zip(batches, lengths, strict=True) if length == most]


def torchao_smoothquant(model: Any) -> Any:
    """Its observers join the inputs of all batches, which must therefore have one length."""
    import torch
    from torchao.prototype.smoothquant import SmoothQuantConfig
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    config = SmoothQuantConfig(base_config=Int8DynamicActivationInt8WeightConfig(), step="prepare")
    quantize_(model, config, filter_fn=is_linear)
    with torch.no_grad():
        for batch in of_one_length():
            model(**batch)
    config.step = "convert"
    quantize_(model, config, filter_fn=lambda module, _: type(module).__name__ == "SmoothQuantObservedLinear")
    return torchao_table(model)


def torchao_gptq(model: Any) -> Any:
    """8 bits, since its 4 bits need a package for GPUs."""
    import torch
    from torchao.prototype.gptq.api import GPTQConfig
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    quantize_(model, GPTQConfig(step="observe", base_config=Int8WeightOnlyConfig()), filter_fn=is_linear)
    with torch.no_grad():
        for batch in torch_batches():
            model(**batch)
    quantize_(model, GPTQConfig(step="convert", base_config=Int8WeightOnlyConfig()), filter_fn=is_linear)
    return torchao_table(model)


def torchao_int4(model: Any) -> Any:
    """Groups of 32 for layers and embeddings. Packed layouts exist for GPUs and Arm only, so each code takes a byte."""
    import torch
    from torchao.quantization import IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerGroup

    config = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32))  # type: ignore[attr-defined]
    quantize_(model, config, filter_fn=lambda module, name: is_linear(module) or is_embedding(module))
    return model


def hqq_linear(bits: int, model: Any) -> Any:
    """Replaces the linear layers; hqq has no embeddings."""
    import torch
    from hqq.core.quantize import BaseQuantizeConfig, HQQLinear

    config = BaseQuantizeConfig(nbits=bits, group_size=64)

    def changed(module: Any) -> Any:
        return HQQLinear(module, config, compute_dtype=torch.float32, device="cpu")

    return replace(model, is_linear, changed)


def hqq_unpickled(folder: Path) -> Forward:
    """The backend is a setting of the class and not saved with the layers."""
    from hqq.core.quantize import HQQBackend, HQQLinear

    HQQLinear.set_backend(HQQBackend.PYTORCH)
    return unpickled(folder)


def quanto(bits: int, model: Any) -> Any:
    from optimum.quanto import freeze, qint4, qint8, quantize

    quantize(model, weights={4: qint4, 8: qint8}[bits])
    freeze(model)
    return model


def nncf_int4(model: Any) -> Any:
    """By the torch backend: onnxruntime rejects the graph of the ONNX backend at the opset of this exporter."""
    import nncf

    ids, mask = example()
    data = nncf.Dataset([{"input_ids": ids, "attention_mask": mask}])
    mode = nncf.CompressWeightsMode.INT4_ASYM
    return nncf.compress_weights(model, mode=mode, dataset=data, all_layers=True, group_size=64)


def fasterai_svd(model: Any) -> Any:
    from fasterai.misc.fc_decomposer import FC_Decomposer

    return FC_Decomposer().decompose(model, percent_removed=0.5)


def bitsandbytes_nf4(tables: bool, model: Any) -> Any:
    import torch
    from bitsandbytes.nn import EmbeddingNF4, LinearNF4

    def linear(module: Any) -> Any:
        layer = LinearNF4(module.in_features, module.out_features, compute_dtype=torch.float32)
        layer.load_state_dict(module.state_dict())
        return layer

    def embedding(module: Any) -> Any:
        layer = EmbeddingNF4(module.num_embeddings, module.embedding_dim)
        layer.load_state_dict(module.state_dict())
        return layer

    replace(model, is_linear, linear)
    if tables:
        replace(model, is_embedding, embedding)
    return model.to("cpu")  # quantizes


def neural_compressor_gptq(model: Any) -> Any:
    from neural_compressor.torch.quantization import GPTQConfig, convert, prepare

    model = prepare(model, GPTQConfig(bits=4, group_size=64, use_sym=False, act_order=True))
    for batch in torch_batches():
        model(**batch)
    model = convert(model)
    del model.save  # a method of this object, which pickle looks for in its class
    return model


def setting(name: str, package: str, usage: str, change: Callable[[Any], Any], timed: bool = True) -> Setting:
    return Setting(name, (package, "torch"), usage, lambda: Runtime(partial(pickled, change), unpickled), timed)


def torchao_setting(name: str, usage: str, change: Callable[[Any], Any], timed: bool = True) -> Setting:
    return Setting(name, ("torchao", "torch"), usage, lambda: Runtime(partial(as_state, change), from_state), timed)


def settings(
    name: str, package: str, usage: str, change: Callable[[Any], Any], load: Load = unpickled, timed: bool = True
) -> list[Setting]:
    """With tables as the package leaves them, and with plain ones."""

    def change_all(model: Any) -> Any:
        return with_int8_tables(change(model))

    packages = (package, "torch")
    return [
        Setting(name, packages, usage, lambda: Runtime(partial(pickled, change), load), timed),
        Setting(name + NAME, packages, usage, lambda: Runtime(partial(pickled, change_all), load), False),
    ]


def hqq_settings(bits: int) -> list[Setting]:
    change = partial(hqq_linear, bits)
    return settings(f"hqq {bits} bits, linear layers", "hqq", "HQQLinear for every Linear", change, hqq_unpickled)


SETTINGS = [
    setting("nncf INT4_ASYM", "nncf", "compress_weights(m, INT4_ASYM)", nncf_int4),
    torchao_setting("torchao int8 dynamic", "quantize_(m, config) twice", torchao_int8),
    torchao_setting("torchao SmoothQuant int8, text", "quantize_(m, SmoothQuantConfig)", torchao_smoothquant),
    torchao_setting("torchao GPTQ int8, text", "quantize_(m, GPTQConfig)", torchao_gptq, False),
    torchao_setting("torchao int4", "quantize_(m, IntxWeightOnlyConfig(torch.int4))", torchao_int4),
    *hqq_settings(8),
    *hqq_settings(4),
    *settings("optimum-quanto int8", "optimum-quanto", "quantize(m, qint8); freeze(m)", partial(quanto, 8)),
    *settings("optimum-quanto int4", "optimum-quanto", "quantize(m, qint4); freeze(m)", partial(quanto, 4)),
    *settings("bitsandbytes nf4", "bitsandbytes", "LinearNF4 for every Linear", partial(bitsandbytes_nf4, False)),
    setting(
        "bitsandbytes nf4, tables too",
        "bitsandbytes",
        "LinearNF4, EmbeddingNF4",
        partial(bitsandbytes_nf4, True),
        False,
    ),
    *settings(
        "neural-compressor GPTQ 4 bits, text",
        "neural-compressor-pt",
        "convert(prepare(m, GPTQConfig()))",
        neural_compressor_gptq,
        timed=False,
    ),
    setting("fasterai FC_Decomposer, half", "fasterai", "FC_Decomposer().decompose(m)", fasterai_svd),
]
