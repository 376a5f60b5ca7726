# SPDX-License-Identifier: Apache-2.0
"""How much an error of a layer changes the outputs of the model.

The change is 1 - cos of the sentence vector, the Kullback-Leibler divergence of the class or token probabilities, or
half of the squared error of a score. To second order it is half of |J e|^2 in the right metric, where e is the error of
the layer's outputs and J the derivative of the model's outputs. Random directions v give |J e|^2 as the mean of
<J^T v, e>^2, and one backward pass gives J^T v for all layers together.

An error E of the weight changes output t of a sequence by E x_t. Feedback coding makes E H^(1/2) white, where H is the
second moment of the inputs. With the relative output error e = tr(E H E^T) / tr(W H W^T) of an m x d matrix, the mean
effect is

    e tr(W H W^T) / (2 m d) sum_tu <y_t, y_u> x_t^T H^-1 x_u,    y = J^T v.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

DIRECTIONS = 4
_ROWS_AT_ONCE = 256


class Effects:
    """Sums the effect of each layer over batches, each relative to e = 1."""

    def __init__(
        self, model: nn.Module, layers: dict[str, nn.Module], roots: dict[str, Tensor], energies: dict[str, float]
    ):
        """roots: Cholesky factors L of the moments, H = L L^T. energies: tr(W H W^T) / (m d)."""
        self._model, self._layers, self._roots, self._energies = model, layers, roots, energies
        self._sums = dict.fromkeys(layers, 0.0)
        self._outputs = 0

    def add(self, batch: dict[str, Tensor], generator: torch.Generator) -> None:
        seen: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in self._layers}
        hooks = [layer.register_forward_hook(self._probe(name, seen[name])) for name, layer in self._layers.items()]
        try:
            outputs = self._model(**batch)
        finally:
            for hook in hooks:
                hook.remove()
        rows = output_rows(outputs)
        probes = [probe for pairs in seen.values() for _, probe in pairs]
        for draw in range(DIRECTIONS):
            target = (rows * random_directions(rows, is_vector(outputs), generator)).sum()
            gradients = torch.autograd.grad(target, probes, retain_graph=draw + 1 < DIRECTIONS, allow_unused=True)
            self._add_gradients(seen, list(gradients))
        self._outputs += rows[..., 0].numel()

    def means(self) -> dict[str, float]:
        return {name: total / (2 * DIRECTIONS * self._outputs) for name, total in self._sums.items()}

    def _probe(self, name: str, seen: list[tuple[Tensor, Tensor]]) -> Any:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = arguments[0].detach().float()
            root = self._roots[name]
            white = torch.linalg.solve_triangular(root, x.reshape(-1, x.shape[-1]).T, upper=False).T
            probe = torch.zeros_like(output, requires_grad=True)
            seen.append((white.reshape(x.shape), probe))
            return output + probe

        return hook

    def _add_gradients(self, seen: dict[str, list[tuple[Tensor, Tensor]]], gradients: list[Tensor | None]) -> None:
        for name, pairs in seen.items():
            for white, _ in pairs:
                y = gradients.pop(0)
                if y is None:
                    continue
                if y.dim() == 2:
                    y, white = y[:, None], white[:, None]
                products = (y @ y.transpose(1, 2)).double() * (white @ white.transpose(1, 2)).double()
                self._sums[name] += self._energies[name] * float(products.sum())


def output_rows(outputs: Any) -> Tensor:
    """The outputs that count: logits of classes or tokens, or else sentence vectors of length 1 (means over tokens)."""
    logits = getattr(outputs, "logits", None)
    if isinstance(logits, Tensor):
        return logits.float()
    states = getattr(outputs, "last_hidden_state", None)
    if not isinstance(states, Tensor):
        states = next(value for value in outputs.values() if isinstance(value, Tensor) and value.is_floating_point())
    return nn.functional.normalize(
        states.float().flatten(1, -2).mean(1) if states.dim() > 2 else states.float(), dim=-1
    )


def is_vector(outputs: Any) -> bool:
    """Whether output_rows gives vectors of length 1, not logits."""
    return not isinstance(getattr(outputs, "logits", None), Tensor)


def metric_of(outputs: Any) -> str:
    """What divergence() measures on these outputs."""
    if is_vector(outputs):
        return "1 - cos"
    return "squared error / 2" if output_rows(outputs).shape[-1] == 1 else "divergence"


def random_directions(rows: Tensor, vectors: bool, generator: torch.Generator) -> Tensor:
    """Directions v with mean v v^T equal to the metric of the outputs."""
    with torch.no_grad():
        if vectors or rows.shape[-1] == 1:  # or a score
            return torch.randn(rows.shape, generator=generator)
        # A class drawn from the model's own probabilities p: e_class - p has the covariance diag(p) - p p^T.
        shares = rows.softmax(-1).flatten(0, -2)
        drawn = torch.multinomial(shares, 1, generator=generator)
        return torch.zeros_like(shares).scatter_(1, drawn, 1.0).sub_(shares).reshape(rows.shape)


def divergence(original: Tensor, coded: Tensor, vectors: bool) -> Tensor:
    """The change of each output row: 1 - cos, Kullback-Leibler divergence, or half of the squared error of a score.

    Small changes must not drown in rounding: 1 - cos is half of the squared distance of vectors of length 1, and
    probabilities are float64 numbers, for a few rows at a time.
    """
    if vectors:
        return (original - coded).square().sum(-1) / 2
    if original.shape[-1] == 1:
        return (original - coded)[..., 0].square() / 2
    pieces = (torch.split(logits.flatten(0, -2), _ROWS_AT_ONCE) for logits in (original, coded))
    return torch.cat([_kullback_leibler(a.double(), b.double()) for a, b in zip(*pieces, strict=True)])


def _kullback_leibler(original: Tensor, coded: Tensor) -> Tensor:
    before = original.log_softmax(-1)
    return (before.exp() * (before - coded.log_softmax(-1))).sum(-1)
