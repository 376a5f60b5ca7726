# SPDX-License-Identifier: Apache-2.0
"""The rows of packages that change a torch model, in the table of whole models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from matrices import minilm_folder
from models import (
    Forward,
    Runtime,
    as_state,
    example,
    from_state,
    is_embedding,
    is_linear,
    pickled,
    pretrained,
    torch_batches,
    torch_model,
    unpickled,
)
from peer import Setting

AUTO_ROUND_TOKENS = 8  # shorter sentences are left out


def replace(model: Any, matches: Callable[[Any], bool], changed: Callable[[Any], Any]) -> Any:
    """Exchanges all modules that match."""
    for name, module in list(model.named_modules()):
        if matches(module):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, changed(module))
    return model


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


def torchao_smoothquant(model: Any) -> Any:
    import torch
    from torchao.prototype.smoothquant import SmoothQuantConfig
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_

    config = SmoothQuantConfig(base_config=Int8DynamicActivationInt8WeightConfig(), step="prepare")
    quantize_(model, config, filter_fn=is_linear)
    with torch.no_grad():
        for batch in torch_batches():
            model(**batch)
    config.step = "convert"
    quantize_(model, config, filter_fn=lambda module, _: type(module).__name__ == "SmoothQuantObservedLinear")
    return torchao_table(model)


def torchao_gptq(model: Any) -> Any:
    """8 bits: 4 bits need a package for GPUs."""
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

    config = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32))
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
    return convert(model)


def gptqmodel_gptq(folder: Path) -> None:
    from gptqmodel import GPTQModel, QuantizeConfig

    model = GPTQModel.load(str(minilm_folder()), QuantizeConfig(bits=4, group_size=64))
    model.quantize(torch_batches(1))
    model.save(str(folder))


def auto_round(scheme: str, iterations: int, folder: Path) -> None:
    """Without iterations it rounds to nearest and sees no text."""
    from auto_round import AutoRound
    from transformers import AutoTokenizer

    options: dict[str, Any] = {"iters": iterations, "device_map": "cpu"}
    if iterations:
        text = [batch for batch in torch_batches(1) if batch["input_ids"].shape[1] >= AUTO_ROUND_TOKENS]
        options |= {"dataset": text, "nsamples": len(text), "seqlen": AUTO_ROUND_TOKENS}
        options |= {"batch_size": 1, "gradient_accumulate_steps": 8}
    else:
        options |= {"disable_opt_rtn": True}
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    AutoRound(torch_model(), tokenizer, scheme=scheme, **options).quantize_and_save(str(folder), format="auto_round")


def auto_round_pretrained(folder: Path) -> Forward:
    """auto-round writes into a subfolder that it names itself."""
    return pretrained(next(folder.rglob("config.json")).parent)


def setting(name: str, package: str, usage: str, change: Callable[[Any], Any], timed: bool = True) -> Setting:
    return Setting(name, (package, "torch"), usage, lambda: Runtime(partial(pickled, change), unpickled), timed)


def torchao_setting(name: str, usage: str, change: Callable[[Any], Any], timed: bool = True) -> Setting:
    return Setting(name, ("torchao", "torch"), usage, lambda: Runtime(partial(as_state, change), from_state), timed)


def hqq_setting(bits: int) -> Setting:
    runtime = Runtime(partial(pickled, partial(hqq_linear, bits)), hqq_unpickled)
    return Setting(f"hqq {bits} bits, linear layers", ("hqq", "torch"), "HQQLinear for every Linear", lambda: runtime)


def auto_round_setting(name: str, usage: str, scheme: str, iterations: int, timed: bool) -> Setting:
    runtime = Runtime(partial(auto_round, scheme, iterations), auto_round_pretrained)
    return Setting(name, ("auto-round", "torch"), usage, lambda: runtime, timed)


SETTINGS = [
    setting("nncf INT4_ASYM", "nncf", "compress_weights(m, INT4_ASYM)", nncf_int4),
    torchao_setting("torchao int8 dynamic", "quantize_(m, config) twice", torchao_int8),
    torchao_setting("torchao SmoothQuant int8, text", "quantize_(m, SmoothQuantConfig)", torchao_smoothquant),
    torchao_setting("torchao GPTQ int8, text", "quantize_(m, GPTQConfig)", torchao_gptq, False),
    torchao_setting("torchao int4", "quantize_(m, IntxWeightOnlyConfig(torch.int4))", torchao_int4),
    hqq_setting(8),
    hqq_setting(4),
    setting("optimum-quanto int8", "optimum-quanto", "quantize(m, qint8); freeze(m)", partial(quanto, 8)),
    setting("optimum-quanto int4", "optimum-quanto", "quantize(m, qint4); freeze(m)", partial(quanto, 4)),
    setting("bitsandbytes nf4", "bitsandbytes", "LinearNF4 for every Linear", partial(bitsandbytes_nf4, False)),
    setting(
        "bitsandbytes nf4, tables", "bitsandbytes", "LinearNF4 and EmbeddingNF4", partial(bitsandbytes_nf4, True), False
    ),
    setting("fasterai FC_Decomposer, half", "fasterai", "FC_Decomposer().decompose(m)", fasterai_svd),
    setting(
        "neural-compressor GPTQ 4 bits, text",
        "neural-compressor-pt",
        "convert(prepare(m, GPTQConfig()))",
        neural_compressor_gptq,
        False,
    ),
    Setting(
        "gptqmodel GPTQ 4 bits, text",
        ("gptqmodel", "torch"),
        "GPTQModel.load(m, config).quantize(TEXT)",
        lambda: Runtime(gptqmodel_gptq, pretrained),
        False,
    ),
    auto_round_setting("auto-round RTN W4A16", "auto-round-rtn", "W4A16", 0, True),
    auto_round_setting("auto-round W4A16, 200 iterations, text", "AutoRound(m, dataset=TEXT)", "W4A16", 200, False),
    auto_round_setting("auto-round W3A16, 200 iterations, text", "AutoRound(m, dataset=TEXT)", "W3A16", 200, False),
    auto_round_setting("auto-round W2A16, 200 iterations, text", "AutoRound(m, dataset=TEXT)", "W2A16", 200, False),
]
