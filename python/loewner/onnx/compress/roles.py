# SPDX-License-Identifier: Apache-2.0
"""What each matrix of a graph is for.

The role of a tensor follows from the nodes that use it, not from its name: a table that is looked up by the token ids
is the token embedding, and the constant factor of a product is a linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from onnx import TensorProto

from loewner.onnx.compress.uses import Use, Uses, attribute
from loewner.onnx.reading import OnnxModel
from loewner.onnx.tensor_data import TensorData

TOKENS, POSITIONS, TYPES, LINEAR, OTHER = (
    "token_embedding",
    "position_embedding",
    "type_embedding",
    "linear",
    "other",
)
MOST_TYPES = 32  # rows of a table of token types
_MICROSOFT = "com.microsoft"
_FUSED_PRODUCTS = {"Attention": 1, "FusedMatMul": 1, "FusedGemm": 1}  # operator -> input with the weight
_FUSED_TABLES = {2: TOKENS, 3: POSITIONS, 4: TYPES}  # inputs of EmbedLayerNormalization
_QUANTIZED_TYPES = frozenset(
    getattr(TensorProto, name)
    for name in ("INT8", "UINT8", "INT4", "UINT4", "INT2", "UINT2", "FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT4E2M1")
    if hasattr(TensorProto, name)
)


@dataclass(frozen=True)
class Place:
    """The role of an initializer.

    transposed: a linear layer that is stored as inputs x outputs. operators: those that use it.
    """

    role: str = OTHER
    transposed: bool = False
    operators: tuple[str, ...] = ()
    quantized: bool = False


def places_of(model: OnnxModel) -> dict[str, Place]:
    """The place of each initializer, by name."""
    uses = Uses(model.graph)
    return {name: _place(tensor, uses) for name, tensor in model.tensors.items()}


def _place(tensor: TensorData, uses: Uses) -> Place:
    found = uses.of(tensor.name)
    operators = tuple(dict.fromkeys(use.node.op_type for use in found))
    quantized = tensor.proto.data_type in _QUANTIZED_TYPES
    if quantized or not tensor.is_float or len(tensor.shape) != 2:
        return Place(operators=operators, quantized=quantized)
    tables = [role for use in found if (role := _table_role(tensor, use, uses))]
    if tables:
        return Place(TOKENS if TOKENS in tables else tables[0], operators=operators)
    sides = [side for use in found if (side := _outputs_are_columns(use)) is not None]
    if sides:
        return Place(LINEAR, sides[0], operators)
    return Place(operators=operators)


def _table_role(tensor: TensorData, use: Use, uses: Uses) -> str | None:
    node = use.node
    if node.domain == _MICROSOFT and node.op_type == "EmbedLayerNormalization":
        return _FUSED_TABLES.get(use.index)
    if node.op_type != "Gather" or use.index != 0 or use.transposed or attribute(node, "axis", 0) != 0:
        return None
    source = uses.graph_input_of(node.input[1])
    if source is None:
        return POSITIONS
    if "position" in source:
        return POSITIONS
    return TYPES if tensor.shape[0] <= MOST_TYPES or "type" in source or "segment" in source else TOKENS


def _outputs_are_columns(use: Use) -> bool | None:
    """Whether the stored matrix is inputs x outputs; None if the node is no product by a constant."""
    node = use.node
    if node.op_type == "MatMul" and node.domain == "":
        return (use.index == 1) != use.transposed
    if node.op_type == "Gemm" and use.index == 1:
        return (attribute(node, "transB", 0) == 0) != use.transposed
    if node.domain == _MICROSOFT and _FUSED_PRODUCTS.get(node.op_type) == use.index:
        return (attribute(node, "transB", 0) == 0) != use.transposed
    return None
