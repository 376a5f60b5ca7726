# SPDX-License-Identifier: Apache-2.0
"""`quantization_config` of an encoded checkpoint (docs/format.md)."""

from typing import Any

from transformers.quantizers.auto import register_quantization_config
from transformers.utils.quantization_config import QuantizationConfigMixin

from loewner._structures import STRUCTURES

FORMAT_MAJOR = 1


@register_quantization_config("loewner")
class LoewnerConfig(QuantizationConfigMixin):
    """The specification of every encoded tensor by tensor name. Other fields are kept and saved again.

    Raises
    ------
    ValueError
        If the major format version is newer or a structure is unknown.
    """

    def __init__(self, format_version: str, tensors: dict[str, dict[str, Any]], **others: Any) -> None:
        self.format_version = format_version
        self.tensors = tensors
        for name, value in others.items():
            setattr(self, name, value)
        self.quant_method = "loewner"  # type: ignore[assignment]  # transformers expects one of its enum values
        self._require_readable()

    def _require_readable(self) -> None:
        major = self.format_version.partition(".")[0]
        if not major.isdigit() or int(major) > FORMAT_MAJOR:
            raise ValueError(
                f"format_version must be {FORMAT_MAJOR}.x, got '{self.format_version}', which a newer loewner wrote"
            )
        for name, spec in self.tensors.items():
            if spec.get("structure") not in STRUCTURES:
                raise ValueError(
                    f"tensor '{name}': structure must be one of {', '.join(STRUCTURES)}, got '{spec.get('structure')}'"
                )
