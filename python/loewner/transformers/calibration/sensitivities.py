# SPDX-License-Identifier: Apache-2.0
"""How much an error of a table's row changes the model's outputs, channel by channel.

To second order the outputs change by half of e G e^T for an error e of a token's row. G is the mean of g g^T over the
tokens of a text, with the gradient g of <v, output> at the token's row and a random direction v of effects.py. A head
that shares the table adds h h^T for its inputs h, times the variance of its tokens' probabilities.

A text has few directions, so G is shrunk towards its mean eigenvalue. Each half of the sequences chooses the share for
the other half: the one with the smallest change that reverse water-filling predicts. With the share 1 the channels
count alike, and the table is encoded as without a text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from loewner.transformers.calibration.effects import is_vector, output_rows, random_directions
from loewner.transformers.calibration.sequences import model_inputs

TOKENS_AT_ONCE = 1024  # of forwards that keep their graphs
TOKENS_OF_THREAD = 128  # of one such forward beside others
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
RATES = (1.0, 2.0)  # bits an entry at which shares are compared
DAMPING = 0.05  # kChannelDamping of the core
HALVES = 2


@dataclass(frozen=True)
class Sensitivity:
    """G of one table."""

    second: Tensor  # d x d, float64 numbers that float32 holds
    tokens: int


class Sensitivities:
    """Sums g g^T over the tokens of each half of the sequences."""

    def __init__(self, model: nn.Module, tables: dict[str, nn.Module], directions: int) -> None:
        """tables: nn.Embedding modules, and linear heads that share their weights, by name. directions: a forward."""
        self._model, self._tables, self._directions = model, tables, directions
        self._seen = _Seen()
        widths = {name: weight_of(module).shape[1] for name, module in tables.items()}
        self.sums = {name: torch.zeros(HALVES, d, d, dtype=torch.float64) for name, d in widths.items()}
        self.tokens = [0] * HALVES

    def add(self, ids: Tensor, generator: torch.Generator, half: int) -> None:
        """Adds a batch of token ids, batch x length."""
        with self._watched():
            for piece in _pieces(ids, TOKENS_AT_ONCE):
                self._add(half, piece, self._measured(piece, generator))

    def add_side_by_side(self, batches: Sequence[Tensor], progress: Callable[[float], None]) -> None:
        """Adds batches, a piece to a thread. Each piece has directions of its own, and operations of one thread: the
        sums do not depend on the number of threads."""
        pieces = [(half, piece) for half, batch in _halves(batches) for piece in _pieces(batch, TOKENS_OF_THREAD)]
        threads = min(torch.get_num_threads(), TOKENS_AT_ONCE // TOKENS_OF_THREAD)

        def measured(place: int) -> dict[str, Tensor]:
            return self._measured(pieces[place][1], torch.Generator().manual_seed(place))

        with self._watched(), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for place, grams in enumerate(pool.map(measured, range(len(pieces)))):
                progress(place / len(pieces))
                self._add(*pieces[place], grams)

    def _add(self, half: int, ids: Tensor, grams: dict[str, Tensor]) -> None:
        self.tokens[half] += ids.numel()
        for name, gram in grams.items():
            self.sums[name][half] += gram

    def _measured(self, ids: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The sums of a piece by table."""
        self._seen.probes, self._seen.heads = [], []
        outputs = self._model(**model_inputs(self._model, ids))
        rows = output_rows(outputs)
        grams: dict[str, Tensor] = {}
        for draw in range(self._directions):
            target = (rows * random_directions(rows, is_vector(outputs), generator)).sum()
            gradients = torch.autograd.grad(
                target,
                [probe for _, probe in self._seen.probes],
                retain_graph=draw + 1 < self._directions,
                allow_unused=True,
            )
            for (name, _), gradient in zip(self._seen.probes, gradients, strict=True):
                if gradient is not None:
                    grams[name] = grams.get(name, 0) + _gram(gradient) / self._directions
        for name, inputs in self._seen.heads:
            if rows.shape == (*inputs.shape[:-1], len(weight_of(self._tables[name]))):  # the logits of this head
                spread = 1 - rows.detach().softmax(-1).square().sum(-1, keepdim=True)
                grams[name] = grams.get(name, 0) + _gram(inputs * spread.sqrt())
        return grams

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Forwards tell what tables look up, and what heads get."""
        hooks = [
            module.register_forward_hook(
                self._seen.probe(name) if isinstance(module, nn.Embedding) else self._seen.input(name)
            )
            for name, module in self._tables.items()
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


class _Seen(threading.local):
    """What hooks see in a forward; each thread has its own."""

    def __init__(self) -> None:
        self.probes: list[tuple[str, Tensor]] = []
        self.heads: list[tuple[str, Tensor]] = []

    def probe(self, name: str) -> Any:
        def hook(_module: nn.Module, _arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
            probe = torch.zeros_like(output, requires_grad=True)
            self.probes.append((name, probe))
            return output + probe

        return hook

    def input(self, name: str) -> Any:
        def hook(_module: nn.Module, arguments: tuple[Tensor, ...], _output: Tensor) -> None:
            self.heads.append((name, arguments[0].detach().float()))

        return hook


def _gram(vectors: Tensor) -> Tensor:
    flat = vectors.detach().float().flatten(0, -2)
    return (flat.T @ flat).double()


def _pieces(ids: Tensor, tokens: int) -> tuple[Tensor, ...]:
    """Rows of a batch, with about this many tokens in each piece."""
    return torch.split(ids, max(1, tokens // ids.shape[1]))


def _halves(batches: Iterable[Tensor]) -> Iterator[tuple[int, Tensor]]:
    for batch in batches:
        for half in range(HALVES):
            if len(batch[half::HALVES]):
                yield half, batch[half::HALVES]


def weight_of(module: nn.Module) -> Tensor:
    return cast(Tensor, module.weight).detach()


def shrunk(halves: Sequence[Tensor], covariance: Tensor) -> tuple[Tensor, float]:
    """G of both halves together and the share of its mean eigenvalue that held-out gradients choose.

    halves: sums of g g^T. covariance: T^T diag(u) T of the table.
    """
    losses = [0.0] * len(SHARES)
    for fitted, held_out in (tuple(halves), tuple(reversed(halves))):
        changes = predicted_changes(fitted, held_out, covariance)
        losses = [loss + float((change / changes[-1]).sum()) for loss, change in zip(losses, changes, strict=True)]
    share = SHARES[losses.index(min(losses))]
    return _mixed(halves[0] + halves[1], share), share


def _mixed(g: Tensor, share: float) -> Tensor:
    """(1 - share) G + share I, for G over its mean eigenvalue."""
    mean = float(g.diagonal().mean())
    identity = torch.eye(len(g), dtype=g.dtype)
    return identity if mean <= 0 or share >= 1 else (1 - share) * g / mean + share * identity


def predicted_changes(fitted: Tensor, held_out: Tensor, covariance: Tensor, shares: Sequence[float] = SHARES) -> Tensor:
    """tr(G D) for the error D that an ideal coder leaves in the metric of each share: shares x RATES.

    fitted, held_out: sums of g g^T; the metric is that of `fitted`, G is `held_out`.
    """
    values, vectors = torch.linalg.eigh(fitted)  # of every share: they differ only in the eigenvalues
    values = values.clamp_min(0) / values.mean().clamp_min(1e-300)
    rotated_table, rotated_g = (vectors.T @ matrix @ vectors for matrix in (covariance, held_out))
    changes = torch.empty(len(shares), len(RATES), dtype=torch.float64)
    for row, share in zip(changes, shares, strict=True):
        damped = ((1 - share) * values + share + DAMPING).sqrt()
        energies, directions = torch.linalg.eigh(damped[:, None] * rotated_table * damped)
        stored = directions.T / damped  # the directions as they are stored
        sensitivities = ((stored @ rotated_g) * stored).sum(1)
        for place, bits in enumerate(RATES):
            row[place] = (water_filling(energies.clamp_min(1e-300), bits) * sensitivities).sum()
    return changes


def water_filling(energies: Tensor, bits: float) -> Tensor:
    """The errors min(level, energy) whose rates, log2(energy / error) / 2, have this mean."""
    ordered = energies.log2().sort(descending=True).values
    sums = ordered.cumsum(0)
    counts = torch.arange(1, len(ordered) + 1, dtype=ordered.dtype)
    levels = (sums - 2 * bits * len(ordered)) / counts  # if the first `counts` energies are above the level
    fits = levels <= ordered
    count = int(fits.nonzero().max()) if bool(fits.any()) else 0
    return energies.minimum(levels[count].exp2())


def sensitivities_of(
    model: nn.Module,
    tables: dict[str, tuple[int, nn.Module]],
    batches: Iterable[Tensor],
    weights: dict[int, Tensor],
    progress: Callable[[float], None],
    *,
    directions: int,
    side_by_side: bool,
) -> dict[int, Sensitivity]:
    """The sensitivities of each table by its number, where they help.

    tables: number and module by name. weights: row weights by number; a table without has equal ones. progress: is told
    the share that is done. directions: for each forward. side_by_side: forwards, not their operations, share threads.
    """
    batches = list(batches)
    sums = Sensitivities(model, {name: module for name, (_, module) in tables.items()}, directions)
    if side_by_side:
        sums.add_side_by_side(batches, progress)
    else:
        generator = torch.Generator().manual_seed(0)
        for done, batch in enumerate(batches):
            progress(done / len(batches))
            for half, part in _halves([batch]):
                sums.add(part, generator, half)
    found: dict[int, Sensitivity] = {}
    for number in sorted({number for number, _ in tables.values()}):
        sharing = [name for name, (other, _) in tables.items() if other == number]
        halves = list(torch.stack([sums.sums[name] for name in sharing]).sum(0))
        if any(not torch.isfinite(half).all() or float(half.diagonal().sum()) <= 0 for half in halves):
            continue
        covariance = covariance_of(weight_of(tables[sharing[0]][1]), weights.get(number))
        second, share = shrunk(halves, covariance)
        if share < 1:
            found[number] = Sensitivity(second.float().double(), sum(sums.tokens))
    return found


def covariance_of(table: Tensor, weights: Tensor | None) -> Tensor:
    """T^T diag(u) T in float64, in blocks of rows."""
    total = torch.zeros(table.shape[1], table.shape[1], dtype=torch.float64)
    for start in range(0, len(table), 4096):
        rows = table[start : start + 4096].float()
        scaled = rows if weights is None else rows * weights[start : start + 4096, None].sqrt().float()
        total += (scaled.T @ scaled).double()
    return total
