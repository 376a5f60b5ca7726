# SPDX-License-Identifier: Apache-2.0
"""The structures of docs/format.md. A new one is one class here and one entry of STRUCTURES."""

from __future__ import annotations

import json
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from loewner._core import StoredMatrix
from loewner.transformers.decoded_on_use import DecodedOnUse
from loewner.transformers.modules import EncodedMatrix

Value = TypeVar("Value")


class LowRank(EncodedMatrix):
    """W = left right, left: rows x rank, right: rank x cols."""

    left: nn.Parameter
    right: nn.Parameter

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {"left": (spec["rows"], spec["rank"]), "right": (spec["rank"], spec["cols"])}

    @property
    def weight(self) -> Tensor:
        return DecodedOnUse.of(self, (self.left.shape[0], self.right.shape[1]))

    def decode(self) -> Tensor:
        return self.widened(self.left) @ self.widened(self.right)

    def decode_rows(self, ids: Tensor) -> Tensor:
        padding_idx = getattr(self, "padding_idx", None)  # its row of `left` is not trained, as in nn.Embedding
        return self.widened(functional.embedding(ids, self.left, padding_idx)) @ self.widened(self.right)

    def times_transposed(self, x: Tensor) -> Tensor:
        return functional.linear(functional.linear(x, self.right.to(x.dtype)), self.left.to(x.dtype))

    def times(self, x: Tensor) -> Tensor:
        return (x @ self.left.to(x.dtype)) @ self.right.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.left.shape[0]}, {self.right.shape[1]}, rank={self.left.shape[1]}"


class Dense(EncodedMatrix):
    """W itself, in a number format of its own."""

    weight: nn.Parameter

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {"weight": (spec["rows"], spec["cols"])}

    def decode(self) -> Tensor:
        return self.widened(self.weight)

    def decode_rows(self, ids: Tensor) -> Tensor:
        return self.widened(functional.embedding(ids, self.weight, getattr(self, "padding_idx", None)))

    def times_transposed(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight.to(x.dtype))

    def times(self, x: Tensor) -> Tensor:
        return x @ self.weight.to(x.dtype)


class ClusterLayout(NamedTuple):
    """Where rows are once those of a cluster are neighbours."""

    order: Tensor  # row order[q] comes as q-th
    place: Tensor  # the inverse: row i comes as place[i]-th
    first: list[int]  # where cluster c begins
    seen: tuple[Any, ...]  # what the layout was computed from


class Subspaces(EncodedMatrix):
    """Row i of cluster c is left_c[p] right_c, p the number of rows of cluster c before i."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {"cluster": torch.uint8}
    cluster: nn.Parameter  # without gradient

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        shapes = {}
        for c, (size, dimension) in enumerate(zip(spec["sizes"], spec["dimensions"], strict=True)):
            if dimension > 0:
                shapes[f"left_{c}"] = (size, dimension)
                shapes[f"right_{c}"] = (dimension, spec["cols"])
        return {**shapes, "cluster": (spec["rows"], 1)}

    @property
    def weight(self) -> Tensor:
        return DecodedOnUse.of(self, (self.spec["rows"], self.spec["cols"]))

    def decode(self) -> Tensor:
        blocks = [
            self.like.new_zeros(size, self.spec["cols"])
            if factors is None
            else self.widened(factors[0]) @ self.widened(factors[1])
            for size, factors in zip(self.spec["sizes"], self._factors(), strict=True)
        ]
        dtype = torch.promote_types(self._factor_dtype(), self.like.dtype)
        return torch.cat([block.to(dtype) for block in blocks]).index_select(0, self._layout().place)

    def decode_rows(self, ids: Tensor) -> Tensor:
        layout = self._layout()
        flat = ids.reshape(-1)
        cluster, place = self.cluster[flat, 0], layout.place[flat]
        dtype = torch.promote_types(self._factor_dtype(), self.like.dtype)
        rows = torch.zeros(len(flat), self.spec["cols"], dtype=dtype, device=flat.device)
        for c, factors in enumerate(self._factors()):
            if factors is None:
                continue
            chosen = (cluster == c).nonzero()[:, 0]
            left = functional.embedding(place[chosen] - layout.first[c], factors[0], self._untrained_position(c))
            rows = rows.index_copy(0, chosen, self.widened(left) @ self.widened(factors[1]))
        return rows.reshape(*ids.shape, -1)

    def times_transposed(self, x: Tensor) -> Tensor:
        products = [
            x.new_zeros(*x.shape[:-1], size)
            if factors is None
            else functional.linear(functional.linear(x, factors[1].to(x.dtype)), factors[0].to(x.dtype))
            for size, factors in zip(self.spec["sizes"], self._factors(), strict=True)
        ]
        return torch.cat(products, -1).index_select(-1, self._layout().place)

    def times(self, x: Tensor) -> Tensor:
        parts = torch.split(x.index_select(-1, self._layout().order), self.spec["sizes"], -1)
        product = x.new_zeros(*x.shape[:-1], self.spec["cols"])
        for part, factors in zip(parts, self._factors(), strict=True):
            if factors is not None:
                product = product + (part @ factors[0].to(x.dtype)) @ factors[1].to(x.dtype)
        return product

    def extra_repr(self) -> str:
        return f"{self.spec['rows']}, {self.spec['cols']}, dimensions={self.spec['dimensions']}"

    def _factors(self) -> list[tuple[Tensor, Tensor] | None]:
        return [
            (getattr(self, f"left_{c}"), getattr(self, f"right_{c}")) if dimension > 0 else None
            for c, dimension in enumerate(self.spec["dimensions"])
        ]

    def _factor_dtype(self) -> torch.dtype:
        return next((factors[0].dtype for factors in self._factors() if factors is not None), self.like.dtype)

    def _untrained_position(self, c: int) -> int | None:
        """The position of the padding row in cluster c, whose coordinates are not trained, as in nn.Embedding."""
        padding_idx = getattr(self, "padding_idx", None)
        if padding_idx is None or int(self.cluster[padding_idx, 0]) != c:
            return None
        layout = self._layout()
        return int(layout.place[padding_idx]) - layout.first[c]

    def _layout(self) -> ClusterLayout:
        """Computed at the first use, because the labels are read into the module after it was made."""
        labels = self.cluster
        seen = (labels.data_ptr(), labels._version, labels.device)
        layout: ClusterLayout | None = self.__dict__.get("_cluster_layout")
        if layout is None or layout.seen != seen:
            layout = self._new_layout(seen)
            self.__dict__["_cluster_layout"] = layout
        return layout

    def _new_layout(self, seen: tuple[Any, ...]) -> ClusterLayout:
        labels = self.cluster[:, 0].long()
        sizes = torch.bincount(labels, minlength=len(self.spec["sizes"])).tolist()
        if sizes != self.spec["sizes"]:
            raise ValueError(f"sizes of the clusters must be {self.spec['sizes']}, got labels with {sizes}")
        order = torch.argsort(labels, stable=True)
        place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
        first = [sum(sizes[:c]) for c in range(len(sizes))]
        return ClusterLayout(order, place, first, seen)


class Coded(EncodedMatrix):
    """A matrix that the core decodes: rows when they are looked up, or blocks of rows inside a product."""

    @property
    def weight(self) -> Tensor:
        return DecodedOnUse.of(self, (self.spec["rows"], self.spec["cols"]))

    def decode(self) -> Tensor:
        return self._from_core(self._core().decode())

    def decode_rows(self, ids: Tensor) -> Tensor:
        rows = self._core().decode_rows(ids.detach().cpu().reshape(-1).long().numpy())
        return self._from_core(rows).reshape(*ids.shape, -1)

    def times_transposed(self, x: Tensor) -> Tensor:
        return CodedProduct.apply(x, self)  # type: ignore[no-any-return, no-untyped-call]

    def times(self, x: Tensor) -> Tensor:
        return x @ self.decode().to(x.dtype)

    def product(self, x: Tensor) -> Tensor:
        """x W^T without gradients, W decoded by blocks of rows."""
        rows = x.detach().cpu().reshape(-1, x.shape[-1]).float().contiguous()
        return self._from_core(self._core().apply(rows.numpy())).to(x.dtype).reshape(*x.shape[:-1], -1)

    def _from_core(self, array: np.ndarray[Any, Any]) -> Tensor:
        return torch.from_numpy(array).to(self.like.device)

    def _core(self) -> StoredMatrix:
        """Made at the first use, because the arrays are read into the module after it was made."""
        arrays = {name: getattr(self, name) for name in self.array_names()}
        seen = tuple((array.data_ptr(), array._version, array.device) for array in arrays.values())
        core: tuple[Any, StoredMatrix] | None = self.__dict__.get("_stored_matrix")
        if core is None or core[0] != seen:
            held = {name: array.detach().cpu().to(self.fixed_arrays[name]).numpy() for name, array in arrays.items()}
            core = (seen, StoredMatrix(json.dumps(self.spec), held))
            self.__dict__["_stored_matrix"] = core
        return core[1]

    # A copy makes its own at its first use.
    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_stored_matrix"}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        make, arguments, _ = super().__reduce_ex__(protocol)
        return make, arguments, self.__getstate__()

    def extra_repr(self) -> str:
        return f"{self.spec['rows']}, {self.spec['cols']}, {self.spec['structure']}"


class CodedProduct(torch.autograd.Function):
    """x W^T for a coded W, which gets no gradient."""

    @staticmethod
    def forward(context: Any, x: Tensor, module: Coded) -> Tensor:
        context.module = module
        return module.product(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient @ context.module.decode().to(gradient.dtype), None


class Codes(Coded):
    """Row i is s_i R^-1 q_i: rotated rows of 0 ... 8 bits an entry."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "codes": torch.uint8,
        "bits": torch.uint8,
        "scales": torch.float16,
        "shared": torch.float16,
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        shapes = {"codes": (spec["code_bytes"], 1), "bits": ((spec["rows"] + 1) // 2, 1), "scales": (spec["rows"], 1)}
        return {**shapes, "shared": (spec["cols"], 1)} if spec["has_shared"] else shapes


class Integers(Coded):
    """Entries on equally spaced values, in groups with a step and an offset."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "codes": torch.uint8,
        "steps": torch.float16,
        "offsets": torch.float16,
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        groups = -(-spec["cols"] // spec["group"])
        row_bytes = -(-spec["cols"] * spec["bits"] // 8)
        shapes = {"steps": (spec["rows"], groups), "offsets": (spec["rows"], groups)}
        return {"codes": (spec["rows"], row_bytes), **shapes}


def nested(name: str, arrays: dict[str, Value]) -> dict[str, Value]:
    """The arrays of a matrix inside another carry its name in front."""
    return {f"{name}_{array}": value for array, value in arrays.items()}


def nested_shapes(spec: dict[str, Any], name: str, allowed: dict[str, type[Coded]]) -> dict[str, tuple[int, int]]:
    structure = allowed.get(spec[name]["structure"])
    if structure is None:
        raise ValueError(f"the structure of '{name}' must be {' or '.join(allowed)}, got '{spec[name]['structure']}'")
    return nested(name, structure.array_shapes(spec[name]))


class Product(Coded):
    """W = left right, both coded: codes of coordinates times the directions."""

    factors: ClassVar[dict[str, type[Coded]]] = {"codes": Codes, "integers": Integers}
    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        name: dtype
        for side in ("left", "right")
        for factor in (Codes, Integers)
        for name, dtype in nested(side, factor.fixed_arrays).items()
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        return {**nested_shapes(spec, "left", Product.factors), **nested_shapes(spec, "right", Product.factors)}


class Archetypes(Coded):
    """Row i is a scaled convex mixture of a few archetypes, plus the codes of what is left."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {
        "archetypes": torch.float16,
        "indices": torch.uint8,
        "weights": torch.uint8,
        "scales": torch.float16,
        **nested("residual", Codes.fixed_arrays),
    }

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        index_bytes = 1 if spec["archetypes"] <= 256 else 2
        shapes = {
            "archetypes": (spec["archetypes"], spec["cols"]),
            "indices": (spec["rows"], spec["per_row"] * index_bytes),
            "weights": (spec["rows"], spec["per_row"]),
            "scales": (spec["rows"], 1),
        }
        if "residual" not in spec:
            return shapes
        return {**shapes, **nested_shapes(spec, "residual", {"codes": Codes})}


STRUCTURES: dict[str, type[EncodedMatrix]] = {
    "low_rank": LowRank,
    "dense": Dense,
    "subspaces": Subspaces,
    "codes": Codes,
    "integers": Integers,
    "product": Product,
    "archetypes": Archetypes,
}
