# SPDX-License-Identifier: Apache-2.0
"""The quantizer of encoded checkpoints, which `from_pretrained` calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import transformers
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.core_model_loading import WeightTransform
from transformers.quantizers.auto import register_quantizer
from transformers.quantizers.base import HfQuantizer

from loewner._loading import MEMORY, Memory
from loewner._structures import STRUCTURES
from loewner.transformers.checkpoint_names import CheckpointNames, saved_names
from loewner.transformers.claimed_tensors import ClaimedTensors, Claims
from loewner.transformers.config import LoewnerConfig
from loewner.transformers.modules import EncodedMatrix, decode_module, encode_module, is_encodable
from loewner.transformers.structures.coded import Coded
from loewner.transformers.ties import retie

_SOURCE_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@register_quantizer("loewner")
class LoewnerQuantizer(HfQuantizer):
    """Replaces weights by encoded arrays in the empty model, before transformers loads the checkpoint into it."""

    requires_calibration = True  # transformers cannot encode while loading; `loewner compress` does
    quantization_config: LoewnerConfig

    def __init__(self, quantization_config: LoewnerConfig, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        self._claims = Claims()

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
        self, model: PreTrainedModel, checkpoint_files: list[str] | None = None, **kwargs: Any
    ) -> None:
        names = CheckpointNames(model, checkpoint_files)
        specs = {}
        for tensor, spec in self.quantization_config.tensors.items():
            arrays = STRUCTURES[spec["structure"]].module_class().array_shapes(spec)
            names.require_arrays(tensor, list(arrays))
            place = names.place(tensor)
            if place is None:  # it belongs to a head that this model does not have
                continue
            path = place.parameter.rpartition(".")[0]
            by_name = place.pattern is None and place.parameter.endswith(".weight")
            if by_name and is_encodable(model.get_submodule(path)):
                specs[path] = spec
                for array in arrays:
                    self._claims.keep(f"{tensor.rpartition('.')[0]}.{array}", f"{path}.{array}")
            else:
                self._claims.decode(tensor, spec, place)
                names.stored.add(place.parameter)
        self._claims.complete(names.dense_places())
        specs = retie(model, specs, names.stored)
        for path, spec in specs.items():
            module = model.get_submodule(path)
            if isinstance(module, EncodedMatrix):  # one module under two names
                continue
            try:
                encode_module(module, spec, STRUCTURES[spec["structure"]].module_class())
            except ValueError as error:
                raise ValueError(f"tensor '{path}.weight': {error}") from error

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
        for _, module in encoded_modules(model):
            device = getattr(module, module.array_names()[0]).device
            module.like = nn.Parameter(torch.empty(0, dtype=module.like.dtype, device=device), requires_grad=False)
        decode_layers(model, MEMORY.get())
        return model

    def get_state_dict_and_metadata(self, model: PreTrainedModel) -> tuple[None, dict[str, Any]]:
        """Update names and formats. save_pretrained calls this before it writes the configuration."""
        specs = {f"{path}.{module.array_names()[0]}": module.current_spec() for path, module in encoded_modules(model)}
        self.quantization_config.tensors = {
            f"{name.rpartition('.')[0]}.weight": specs[parameter]
            for parameter, name in saved_names(model, list(specs)).items()
        }
        return None, {}

    def _dequantize(self, model: PreTrainedModel, dtype: torch.dtype | str | None = None) -> PreTrainedModel:
        if isinstance(dtype, str):  # save_pretrained makes the configuration's dtype a name
            dtype = getattr(torch, dtype)
        for _, module in list(encoded_modules(model)):
            decode_module(module, dtype or module.like.dtype)
        for submodel in model.modules():
            submodel.__dict__.pop("_tied_weights_keys", None)  # the attribute of the class applies again
        model.all_tied_weights_keys = model.get_expanded_tied_weights_keys(all_submodels=True)
        model.tie_weights()
        return model

    def is_serializable(self) -> bool:
        return True

    @property
    def is_trainable(self) -> bool:
        return True


def decode_layers(model: nn.Module, memory: Memory) -> None:
    """Decode layers except tables and heads that share their arrays with a table.

    With memory "dense" these are coded layers. With any memory they are layers that hold the weight itself in another
    number format than the model's: the author of a model may multiply `weight` without calling the layer.
    """
    tables = {
        id(parameter)
        for _, module in encoded_modules(model)
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
    for _, module in list(encoded_modules(model)):
        tied = any(id(parameter) in tables for parameter in module.parameters(recurse=False))
        weight = module._parameters.get("weight")
        is_cast = weight is not None and weight.dtype != module.like.dtype
        if not tied and (is_cast or (isinstance(module, Coded) and memory == "dense")):
            decode_module(module, module.like.dtype)


def encoded_modules(model: nn.Module) -> Iterator[tuple[str, EncodedMatrix]]:
    """The encoded modules of a model with their paths."""
    for path, module in model.named_modules():
        if isinstance(module, EncodedMatrix):
            yield path, module
