# SPDX-License-Identifier: Apache-2.0
"""`quantization_config` of an encoded checkpoint (docs/format.md)."""

from typing import Any

from transformers.quantizers.auto import register_quantization_config
from transformers.utils.quantization_config import QuantizationConfigMixin

from loewner._checksums import checksum_of_specification
from loewner._structures import STRUCTURES
from loewner.transformers.specification import require_fields

FORMAT_MAJOR = 1
FIRST_MINOR_WITH_CHECKSUMS = 1


@register_quantization_config("loewner")
class LoewnerConfig(QuantizationConfigMixin):
    """The specification of every encoded tensor by tensor name. Other fields are kept and saved again.

    Raises
    ------
    ValueError
        If the major format version is newer, a structure is unknown, or a field of a specification has another type.
    """

    def __init__(self, format_version: str, tensors: dict[str, dict[str, Any]], **others: Any) -> None:
        self.format_version = format_version
        self.tensors = tensors
        for name, value in others.items():
            setattr(self, name, value)
        self.quant_method = "loewner"  # type: ignore[assignment]  # transformers expects one of its enum values
        self._require_readable()

    def _require_readable(self) -> None:
        major, _, minor = str(self.format_version).partition(".")
        if not (major.isdigit() and minor.isdigit()) or int(major) > FORMAT_MAJOR:
            raise ValueError(
                f"format_version must be {FORMAT_MAJOR}.x, got '{self.format_version}', which a newer loewner wrote"
            )
        for name, spec in self.tensors.items():
            if spec.get("structure") not in STRUCTURES:
                raise ValueError(
                    f"tensor '{name}': structure must be one of {', '.join(STRUCTURES)}, got '{spec.get('structure')}'"
                )
            try:
                require_fields(spec)
            except ValueError as error:
                raise ValueError(f"tensor '{name}': {error}") from error

    def save_again(self, tensors: dict[str, dict[str, Any]], checksums: dict[str, str]) -> None:
        """Take the specifications and the checksums of the tensors that are about to be saved.

        Checksums of files are dropped: transformers writes them later. A folder of version 1.0 stays one, without any.
        """
        self.tensors = tensors
        if int(self.format_version.partition(".")[2]) >= FIRST_MINOR_WITH_CHECKSUMS:
            self.checksums = {"tensors": checksums}

    def to_dict(self) -> dict[str, Any]:
        """The field as it is saved. Saving rewrites the other fields of config.json, so they lose their checksum."""
        data: dict[str, Any] = super().to_dict()
        if isinstance(data.get("checksums"), dict):
            data["checksums"].pop("config", None)
            data["checksums"]["specification"] = checksum_of_specification(data)
        return data
