# SPDX-License-Identifier: Apache-2.0
"""All-MiniLM-L6-v2 compressed by every peer that supports whole models: how to write the files and how to run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matrices import minilm_folder
from peer import THREADS, Setting

# input ids, attention mask -> last hidden state
Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Runtime:
    """make: writes the smaller model into an empty folder. load: returns its forward function."""

    make: Callable[[Path], object]
    load: Callable[[Path], Forward]


def torch_model() -> Any:
    from transformers import AutoModel

    # The output of the pooler is not used; attention by SDPA, the default.
    return AutoModel.from_pretrained(minilm_folder(), add_pooling_layer=False).eval()


def torch_forward(model: Any) -> Forward:
    import torch

    @torch.no_grad()  # not inference_mode, which quanto's packed tensors do not support
    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.asarray(
            model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
            .last_hidden_state.float()
            .numpy()
        )

    return forward


def pickled(change: Callable[[Any], Any], folder: Path) -> None:
    """Saves a changed torch model by pickle."""
    import torch

    torch.save(change(torch_model()), folder / "model.pt")


def unpickled(folder: Path) -> Forward:
    import torch

    return torch_forward(torch.load(folder / "model.pt", weights_only=False).eval())


def as_state(change: Callable[[Any], Any], folder: Path) -> None:
    """Saves only the tensors, for peers whose modules cannot be pickled."""
    import torch

    torch.save(change(torch_model()).state_dict(), folder / "model.pt")


def from_state(folder: Path) -> Forward:
    import torch

    model = torch_model()
    model.load_state_dict(torch.load(folder / "model.pt", weights_only=False), assign=True)
    return torch_forward(model)


def dense(folder: Path) -> None:
    torch_model().save_pretrained(folder)


def pretrained(folder: Path) -> Forward:
    import loewner  # noqa: F401 - registers the format
    from transformers import AutoModel

    return torch_forward(AutoModel.from_pretrained(folder, add_pooling_layer=False).eval())


def loewner_table(bits: float, folder: Path) -> None:
    import loewner

    loewner.compress(minilm_folder(), folder / "small", bits=bits, text="none")


def loewner_whole(bits: float, folder: Path) -> None:
    import loewner

    loewner.compress(minilm_folder(), folder / "small", bits=bits, selection="all", text="none")


def auto_round_pretrained(folder: Path) -> Forward:
    """auto-round writes into a subfolder that it names itself."""
    return pretrained(next(folder.rglob("config.json")).parent)


def loewner_pretrained(folder: Path) -> Forward:
    return pretrained(folder / "small")


def loewner_small(folder: Path) -> Forward:
    """Coded layers stay encoded in memory."""
    import loewner

    return torch_forward(loewner.load(folder / "small", memory="small").eval())


def is_linear(module: Any, _: str = "") -> bool:
    import torch

    return isinstance(module, torch.nn.Linear)


def is_embedding(module: Any, _: str = "") -> bool:
    import torch

    return isinstance(module, torch.nn.Embedding)


def torchao_int8(model: Any) -> Any:
    import torch
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerAxis

    quantize_(model, Int8DynamicActivationInt8WeightConfig(), filter_fn=is_linear)
    config = IntxWeightOnlyConfig(weight_dtype=torch.int8, granularity=PerAxis(0))
    quantize_(model, config, filter_fn=is_embedding)
    return model


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
    for name, module in list(model.named_modules()):
        if is_linear(module):
            parent, _, child = name.rpartition(".")
            layer = HQQLinear(module, config, compute_dtype=torch.float32, device="cpu")
            setattr(model.get_submodule(parent), child, layer)
    return model


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


def example() -> tuple[Any, Any]:
    import torch

    return torch.ones(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.long)


def nncf_int8(folder: Path) -> None:
    import nncf
    import onnx

    export_onnx(folder / "dense.onnx")
    model = onnx.load(folder / "dense.onnx")
    (folder / "dense.onnx").unlink()
    onnx.save(nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM), folder / "model.onnx")


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


def auto_round_rtn(folder: Path) -> None:
    from auto_round import AutoRound
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    rounding = AutoRound(torch_model(), tokenizer, scheme="W4A16", iters=0, disable_opt_rtn=True, device_map="cpu")
    rounding.quantize_and_save(str(folder), format="auto_round")


def export_onnx(file: Path) -> None:
    import torch

    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "hidden"]}

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = torch_model()

        def forward(self, ids: Any, mask: Any) -> Any:
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    torch.onnx.export(
        Hidden(), example(), file, input_names=names, output_names=["hidden"], dynamic_axes=axes, dynamo=False
    )


def onnx_int8(folder: Path) -> None:
    """Unsigned weights per channel, the most accurate of its options for this model."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    export_onnx(folder / "dense.onnx")
    quantize_dynamic(folder / "dense.onnx", folder / "model.onnx", weight_type=QuantType.QUInt8, per_channel=True)
    (folder / "dense.onnx").unlink()


def onnx_int4(accuracy_level: int, folder: Path) -> None:
    """accuracy_level 4: int8 activations; 1: f32 activations."""
    import onnx
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    export_onnx(folder / "dense.onnx")
    config = DefaultWeightOnlyQuantConfig(
        block_size=32,
        is_symmetric=False,
        accuracy_level=accuracy_level,
        quant_format=QuantFormat.QOperator,
        op_types_to_quantize=("MatMul", "Gather"),
    )
    quantizer = MatMulNBitsQuantizer(onnx.load(folder / "dense.onnx"), algo_config=config)
    quantizer.process()
    (folder / "dense.onnx").unlink()
    quantizer.model.save_model_to_file(str(folder / "model.onnx"))


def onnx_session(folder: Path) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)

    def forward(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {"input_ids": ids, "attention_mask": mask})[0])

    return forward


def torch_setting(name: str, package: str, usage: str, change: Callable[[Any], Any]) -> Setting:
    return Setting(name, (package, "torch"), usage, lambda: Runtime(partial(pickled, change), unpickled))


def torchao_setting(name: str, usage: str, change: Callable[[Any], Any]) -> Setting:
    return Setting(name, ("torchao", "torch"), usage, lambda: Runtime(partial(as_state, change), from_state))


def hqq_setting(bits: int) -> Setting:
    runtime = Runtime(partial(pickled, partial(hqq_linear, bits)), hqq_unpickled)
    return Setting(f"hqq {bits} bits, linear layers", ("hqq", "torch"), "HQQLinear for every Linear", lambda: runtime)


def onnx_setting(name: str, packages: tuple[str, ...], usage: str, make: Callable[[Path], object]) -> Setting:
    return Setting(name, ("onnxruntime", *packages), usage, lambda: Runtime(make, onnx_session))


def loewner_setting(name: str, options: str, make: Callable[[Path], object], load: Any = loewner_pretrained) -> Setting:
    return Setting(name, ("loewner", "torch"), f"loewner compress {options}", lambda: Runtime(make, load))


DENSE = "torch f32"
RUNTIMES = [
    Setting(DENSE, ("torch",), "AutoModel.from_pretrained", lambda: Runtime(dense, pretrained)),
    loewner_setting("loewner, table in 3 bits", "--bits 3", partial(loewner_table, 3.0)),
    loewner_setting("loewner, whole in 8 bits", "--all --bits 8", partial(loewner_whole, 8.0)),
    loewner_setting("loewner, whole in 4.5 bits", "--all --bits 4.5", partial(loewner_whole, 4.5)),
    loewner_setting(
        "loewner, whole in 4.5 bits, memory=small", "--all --bits 4.5", partial(loewner_whole, 4.5), loewner_small
    ),
    loewner_setting("loewner, whole in 3 bits", "--all --bits 3", partial(loewner_whole, 3.0)),
    onnx_setting("onnxruntime f32", ("torch",), "torch.onnx.export", lambda folder: export_onnx(folder / "model.onnx")),
    onnx_setting("onnxruntime dynamic int8", ("onnx",), "quantize_dynamic(a, b, QUInt8, per_channel=True)", onnx_int8),
    *(
        onnx_setting(name, ("onnx", "onnx-ir"), "MatMulNBitsQuantizer(m).process()", partial(onnx_int4, level))
        for name, level in (("onnxruntime 4 bits", 4), ("onnxruntime 4 bits, f32 activations", 1))
    ),
    onnx_setting("nncf INT8_ASYM", ("nncf",), "compress_weights(m)", nncf_int8),
    torch_setting("nncf INT4_ASYM", "nncf", "compress_weights(m, INT4_ASYM)", nncf_int4),
    torchao_setting("torchao int8 dynamic", "quantize_(m, config) twice", torchao_int8),
    torchao_setting("torchao int4", "quantize_(m, IntxWeightOnlyConfig(torch.int4))", torchao_int4),
    hqq_setting(8),
    hqq_setting(4),
    torch_setting("optimum-quanto int8", "optimum-quanto", "quantize(m, qint8); freeze(m)", partial(quanto, 8)),
    torch_setting("optimum-quanto int4", "optimum-quanto", "quantize(m, qint4); freeze(m)", partial(quanto, 4)),
    torch_setting("fasterai FC_Decomposer, half", "fasterai", "FC_Decomposer().decompose(m)", fasterai_svd),
    Setting(
        "auto-round RTN W4A16",
        ("auto-round", "torch"),
        "auto-round-rtn",
        lambda: Runtime(auto_round_rtn, auto_round_pretrained),
    ),
]
