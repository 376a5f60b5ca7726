# SPDX-License-Identifier: Apache-2.0
"""Structure `subspaces`: clusters of rows, each with a low-rank factorization of its own."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from loewner.transformers.modules import EncodedMatrix
from loewner.transformers.specification import FORMAT, SIZES, Field


class ClusterLayout(NamedTuple):
    """The order in which the rows of each cluster are contiguous."""

    order: Tensor  # row order[q] is at place q
    place: Tensor  # the inverse: row i is at place[i]
    first: list[int]  # the place of the first row of cluster c
    seen: tuple[Any, ...]  # identifies the labels from which the layout was computed


class Subspaces(EncodedMatrix):
    """Row i of cluster c is left_c[p] right_c, where p is the number of rows of cluster c before i."""

    fixed_arrays: ClassVar[dict[str, torch.dtype]] = {"cluster": torch.uint8}
    fields: ClassVar[dict[str, Field]] = {"dimensions": SIZES, "sizes": SIZES, "format": FORMAT}
    cluster: nn.Parameter  # without gradient

    @staticmethod
    def array_shapes(spec: dict[str, Any]) -> dict[str, tuple[int, int]]:
        shapes = {}
        for c, (size, dimension) in enumerate(zip(spec["sizes"], spec["dimensions"], strict=True)):
            if dimension > 0:
                shapes[f"left_{c}"] = (size, dimension)
                shapes[f"right_{c}"] = (dimension, spec["cols"])
        return {**shapes, "cluster": (spec["rows"], 1)}

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
        place = layout.place.index_select(0, flat)  # an indexing expression would take negative ids
        cluster = self.cluster[flat, 0]
        dtype = torch.promote_types(self._factor_dtype(), self.like.dtype)
        rows = torch.zeros(flat.shape[0], self.spec["cols"], dtype=dtype, device=flat.device)
        for c, factors in enumerate(self._factors()):
            if factors is None or self.spec["sizes"][c] == 0:
                continue
            is_here, first = cluster == c, layout.first[c]
            if torch.compiler.is_compiling():  # a number of rows that depends on the ids would break the graph
                found = self._rows_of_cluster(factors, flat, torch.where(is_here, place - first, 0))
                rows = torch.where(is_here[:, None], found, rows)
            else:
                chosen = is_here.nonzero()[:, 0]
                found = self._rows_of_cluster(factors, flat[chosen], place[chosen] - first)
                rows = rows.index_copy(0, chosen, found)
        return rows.reshape(*ids.shape, self.spec["cols"])

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

    def _rows_of_cluster(self, factors: tuple[Tensor, Tensor], ids: Tensor, positions: Tensor) -> Tensor:
        """Rows of a cluster by their positions in it. The coordinates of the padding row are not trained."""
        left = functional.embedding(positions, factors[0])
        padding_idx = getattr(self, "padding_idx", None)
        if padding_idx is not None:
            left = torch.where((ids == padding_idx)[:, None], left.detach(), left)
        return self.widened(left) @ self.widened(factors[1])

    def _layout(self) -> ClusterLayout:
        """The layout, computed at the first use: a checkpoint loads the labels after the module exists."""
        labels = self.cluster
        if torch.compiler.is_compiling():  # compilers know no addresses
            return self._new_layout(())
        seen = (labels.data_ptr(), None if labels.is_inference() else labels._version, labels.device)
        layout: ClusterLayout | None = self.__dict__.get("_cluster_layout")
        if layout is None or layout.seen != seen:
            layout = self._new_layout(seen)
            self.__dict__["_cluster_layout"] = layout
        return layout

    def _new_layout(self, seen: tuple[Any, ...]) -> ClusterLayout:
        labels, sizes = self.cluster[:, 0].long(), self.spec["sizes"]
        if not torch.compiler.is_compiling():
            found = torch.bincount(labels, minlength=len(sizes)).tolist()
            if found != sizes:
                raise ValueError(f"cluster sizes must be {sizes}, got labels with sizes {found}")
        order = torch.argsort(labels, stable=True)
        place = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
        first = [sum(sizes[:c]) for c in range(len(sizes))]
        return ClusterLayout(order, place, first, seen)
