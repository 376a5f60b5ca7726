# SPDX-License-Identifier: Apache-2.0
"""The effects of effects.py for models that do not fit into memory.

One block of the model at a time is differentiated, because torch computes it again in the backward pass. And no second
moment H of a layer is kept: with the inputs X of n tokens, n x d, a gradient needs x^T H^-1 x for pairs of tokens only.
If H is X^T X / n, drawn towards m I by a share s (moments.robust), and damped,

    X (H + lambda I)^-1 X^T = n / (1 - s) G (G + mu I)^-1,    G = X X^T / n,    mu = (s m + lambda) / (1 - s).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from loewner.transformers.calibration.effects import is_vector, output_rows, random_directions
from loewner.transformers.calibration.moments import shrinkage
from loewner.transformers.calibration.targets import DAMPING


class TokenEffects:
    """Sums the effect of each layer over batches, each relative to a relative output error of 1."""

    def __init__(self, model: nn.Module, layers: dict[str, nn.Module], squares: dict[str, float]) -> None:
        """squares: the mean square of the entries of each weight."""
        self._model, self._layers, self._squares = model, layers, squares
        self._sums = dict.fromkeys(layers, 0.0)
        self._outputs = 0

    def add(self, batch: dict[str, Tensor], generator: torch.Generator) -> None:
        probe = torch.zeros((), requires_grad=True)
        hooks = [layer.register_forward_hook(self._watch(name, probe)) for name, layer in self._layers.items()]
        try:
            with _blocks_computed_again(self._model, set(self._layers.values())):
                outputs = self._model(**batch)
                rows = output_rows(outputs)
                (rows * random_directions(rows, is_vector(outputs), generator)).sum().backward()  # type: ignore[no-untyped-call]
        finally:
            for hook in hooks:
                hook.remove()
        self._outputs += rows[..., 0].numel()

    def means(self) -> dict[str, float]:
        return {name: total / (2 * max(1, self._outputs)) for name, total in self._sums.items()}

    def _watch(self, name: str, probe: Tensor) -> Any:
        def hook(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            x = arguments[0].detach()
            bias = cast("Tensor | None", layer.bias)
            without_bias = output.detach() if bias is None else output.detach() - bias
            energy = float(without_bias.double().square().mean())
            watched = _Watched.apply(output, x, probe, partial(self._add, name, energy))  # type: ignore[no-untyped-call]
            return cast(Tensor, watched)

        return hook

    def _add(self, name: str, energy: float, x: Tensor, y: Tensor) -> None:
        """energy: the mean square of an output. x, y: inputs, and gradients by the outputs."""
        sequences, width = (len(x) if x.dim() > 2 else 1), x.shape[-1]
        x, y = (tensor.reshape(-1, tensor.shape[-1]).float() for tensor in (x, y))
        tokens = len(x)
        share, mean = shrinkage(width, tokens), float(x.double().square().mean())
        if mean == 0:
            return
        gram = (x @ x.T).double() / tokens
        mu = (share + DAMPING) * mean / (1 - share)
        damped = gram + mu * torch.eye(tokens, dtype=gram.dtype)
        kernel = torch.cholesky_solve(gram, torch.linalg.cholesky(damped)) * (tokens / (1 - share))
        pairs = zip(kernel.chunk(sequences), y.chunk(sequences), strict=True)
        length = tokens // sequences
        sums = sum(
            float(((part @ part.T).double() * rows[:, place * length : (place + 1) * length]).sum())
            for place, (rows, part) in enumerate(pairs)
        )
        # tr(W H W^T) / (outputs x inputs)
        size = ((1 - share) * energy + (share + DAMPING) * mean * width * self._squares[name]) / width
        self._sums[name] += size * sums


class _Watched(torch.autograd.Function):
    """The output of a layer; its gradient is told together with the layer's inputs."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, x: Tensor, probe: Tensor, told: Any) -> Tensor:
        ctx.save_for_backward(x)
        ctx.told = told
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        ctx.told(ctx.saved_tensors[0], gradients[0])
        return gradients[0], None, None, None


@contextmanager
def _blocks_computed_again(model: nn.Module, layers: set[nn.Module]) -> Iterator[None]:
    """Blocks keep nothing but their inputs for the backward pass."""
    blocks = list(_blocks(model, layers))
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _blocks(module: nn.Module, layers: set[nn.Module]) -> Iterator[nn.Module]:
    """The outermost members of lists of modules that contain such layers."""
    for child in module.children():
        if isinstance(module, nn.ModuleList) and child not in layers:
            if any(inner in layers for inner in child.modules()):
                yield child
        else:
            yield from _blocks(child, layers)
