# SPDX-License-Identifier: Apache-2.0
"""The quantizer of encoded checkpoints, which `from_pretrained` calls."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.core_model_loading import WeightTransform
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.auto import register_quantizer
from transformers.quantizers.base import HfQuantizer
from transformers.utils import logging

from loewner._loading import MEMORY, Memory
from loewner._structures import STRUCTURES, array_prefix
from loewner.transformers.checkpoint_names import CheckpointNames, saved_names
from loewner.transformers.claimed_tensors import ClaimedTensors, Claims
from loewner.transformers.config import LoewnerConfig
from loewner.transformers.frozen_array import FrozenArray
from loewner.transformers.kept_encodings import decode_and_keep, encoded_state, forget_encodings
from loewner.transformers.modules import (
    EncodedMatrix,
    ModelReference,
    encode_module,
    encoded_modules,
    is_encodable,
)
from loewner.transformers.structures.coded import Coded
from loewner.transformers.ties import Specs, retie, tie_copies, untie_copies

logger = logging.get_logger(__name__)

_SOURCE_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@register_quantizer("loewner")
class LoewnerQuantizer(HfQuantizer):
    """Replaces weights by encoded arrays in the empty model, before transformers loads the checkpoint into it."""

    requires_calibration = True  # transformers cannot encode while loading; `loewner compress` does
    quantization_config: LoewnerConfig

    def __init__(self, quantization_config: LoewnerConfig, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        self._claims = Claims()
        self._copies: dict[str, str] = {}  # modules that stored a copy of a tensor, with the module of the tensor
        self._has_codes = False

    def validate_environment(self, *args: Any, **kwargs: Any) -> None:
        if int(transformers.__version__.partition(".")[0]) < 5:
            raise ImportError(f"loading an encoded model needs transformers 5 or later, got {transformers.__version__}")

    def update_attn_implementation(self, config: PreTrainedConfig) -> PreTrainedConfig:
        # If the configuration has no dtype, transformers takes that of the first stored tensor, which may be encoded.
        source = next((spec.get("source_dtype") for spec in self.quantization_config.tensors.values()), None)
        if getattr(config, "dtype", None) is None and source in _SOURCE_DTYPES:
            config.dtype = getattr(torch, _SOURCE_DTYPES[source])
        return config

    def _process_model_before_weight_loading(
        self, model: PreTrainedModel, checkpoint_files: list[str] | None = None, device_map: Any = None, **kwargs: Any
    ) -> None:
        tensors = self.quantization_config.tensors
        copies = [name for spec in tensors.values() for name in spec.get("tied", [])]
        names = CheckpointNames(model, checkpoint_files, [*tensors, *copies])
        specs = {}
        for tensor, spec in tensors.items():
            arrays = STRUCTURES[spec["structure"]].module_class().array_shapes(spec)
            prefix = array_prefix(tensor, spec)
            names.require_arrays(tensor, [prefix + array for array in arrays])
            place = names.place(tensor)
            if place is None:  # it belongs to a head that this model does not have
                continue
            path = place.parameter.rpartition(".")[0]
            by_name = place.pattern is None and place.parameter.endswith(".weight")
            if by_name and "shape" not in spec and is_encodable(model.get_submodule(path)):
                specs[path] = spec
                self._find_copies(path, spec, names, model)
                for array in arrays:
                    self._claims.keep(prefix + array, f"{path}.{array}")
            else:
                self._claims.decode(tensor, spec, place)
                names.stored.add(place.parameter)
        self._claims.complete(names.dense_places())
        self._claims.may_be_on_disk = device_map is not None
        specs = self._with_copies(model, retie(model, specs, names.stored))
        for path, spec in specs.items():
            module = model.get_submodule(path)
            if isinstance(module, EncodedMatrix):  # one module under two names
                continue
            try:
                encode_module(module, spec, STRUCTURES[spec["structure"]].module_class())
            except ValueError as error:
                raise ValueError(f"tensor '{path}.weight': {error}") from error

    def _find_copies(self, path: str, spec: dict[str, Any], names: CheckpointNames, model: PreTrainedModel) -> None:
        for tensor in spec.get("tied", []):
            place = names.place(tensor)
            if place is None or place.pattern is not None or place.parameter in names.stored:
                continue
            copy = place.parameter.rpartition(".")[0]
            if copy != path and is_encodable(model.get_submodule(copy)):
                self._copies[copy] = path

    def _with_copies(self, model: PreTrainedModel, specs: Specs) -> Specs:
        self._copies = {copy: path for copy, path in self._copies.items() if copy not in specs}
        return tie_copies(model, specs, self._copies)

    def update_weight_conversions(
        self, weight_conversions: list[WeightTransform], model: PreTrainedModel
    ) -> list[WeightTransform]:
        return self._claims.transforms(weight_conversions)

    def get_new_dtype(self, converter: WeightTransform, param: Any, dtype: torch.dtype | None) -> torch.dtype | None:
        if not isinstance(converter, ClaimedTensors):
            return super().get_new_dtype(converter, param, dtype)
        converter.set_dtype(dtype)
        return None  # arrays are decoded in their own type

    def _process_model_after_weight_loading(self, model: PreTrainedModel, **kwargs: Any) -> PreTrainedModel:
        untie_copies(model, list(self._copies))
        frozen: dict[nn.Parameter, FrozenArray] = {}
        for _, module in encoded_modules(model):
            device = module.anchor().device
            device = torch.device("cpu") if device.type == "meta" else device  # arrays that are on disk
            module.like = nn.Parameter(torch.empty(0, dtype=module.like.dtype, device=device), requires_grad=False)
            module.owner = ModelReference(model)
            for name in module.array_names():
                if name in module.fixed_arrays:
                    array = getattr(module, name)
                    module._parameters[name] = frozen.setdefault(array, FrozenArray(array.data))
        decode_layers(model, MEMORY.get())
        self._has_codes = any(isinstance(module, Coded) for module in model.modules())
        return model

    def get_state_dict_and_metadata(self, model: PreTrainedModel) -> tuple[dict[str, Any], dict[str, Any]]:
        """Update names and formats. save_pretrained calls this before it writes the configuration."""
        state, saved = encoded_state(model)
        names = {
            parameter: f"{name.rpartition('.')[0]}.weight"
            for parameter, name in saved_names(model, list(saved), state).items()
        }
        self.quantization_config.save_again(
            {name: saved[parameter].spec for parameter, name in names.items()},
            {name: saved[parameter].checksum() for parameter, name in names.items()},
        )
        if saved:
            model.config.quantization_config = self.quantization_config
        else:
            model.config.__dict__.pop("quantization_config", None)
        return state, {}

    def _dequantize(self, model: PreTrainedModel, dtype: torch.dtype | str | None = None) -> PreTrainedModel:
        # save_pretrained makes the configuration's dtype a name.
        target: torch.dtype | None = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        for _, module in list(encoded_modules(model)):
            if isinstance(module, EncodedMatrix):  # not decoded as one of a tied pair
                module.decode_in_place(target)
        forget_encodings(model)
        return model

    def is_serializable(self) -> bool:
        return True

    @property
    def is_trainable(self) -> bool:
        return True

    @property
    def is_qat_trainable(self) -> bool:
        """Whether Trainer takes the model without adapters: factors and dense weights are trained."""
        if self._has_codes:
            logger.warning_once(
                "Codes are not trained. Factors and dense weights are. Gradients pass through coded layers to their "
                "inputs, so adapters train."
            )
        return True


def decode_layers(model: nn.Module, memory: Memory) -> None:
    """Decode layers except tables and heads that share their arrays with a table.

    With memory "dense" these are coded layers, with "auto" those whose product in 8-bit integers is not the better one.
    With any memory they are layers that hold the weight itself in another number format than the model's: the author
    of a model may multiply `weight` without calling the layer.
    """
    tables = {id(module.anchor()) for _, module in encoded_modules(model) if isinstance(module, nn.Embedding)}
    for _, module in list(encoded_modules(model)):
        if module.anchor().device.type == "meta":  # it is on disk
            continue
        weight = module._parameters.get("weight")
        is_decoded = weight is not None and weight.dtype != module.like.dtype
        if isinstance(module, Coded) and not isinstance(module, nn.Embedding):
            in_bytes = memory == "auto" and module.multiply_in_bytes(transposed=not isinstance(module, Conv1D))
            is_decoded = not in_bytes and memory != "small"
        if is_decoded and id(module.anchor()) not in tables:
            decode_and_keep(module)
