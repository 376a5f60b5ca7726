# SPDX-License-Identifier: Apache-2.0
"""Heavy keys compared with brute force, and the error of attention over few keys.

First table: for weights |<q, k>|^p, the keys with a weight of at least eps for some query: a query of the model, a
Gaussian query, or an adversarial query for the key, which starts at (K^T K)^+ k_j (optimal for p = 2) and for other p
is improved by gradient ascent. missed: heavy keys that are not selected; the control selects at 2 eps. Second table:
keys of every head of all-MiniLM-L6-v2 on texts of 512 tokens, some of which are kept by scorers that see the keys
alone: relative Frobenius error of the attention over the kept keys, mean over heads, for softmax (renormalized over the
kept keys) and for <q, k>^2 (with the denominators of all keys). Three minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import loewner
import numpy as np
import torch
from attention_heads import Head, heads
from results_page import experiment_parser, markdown_table, publish
from table_heavy_keys import SCORERS, weights_of
from torch import Tensor

TEXTS, LENGTH = 2, 512
EPS = {1.0: 0.03, 2.0: 0.1, 4.0: 0.3}  # by power, such that some keys are heavy and others not
KEPT = (32, 64, 128)
STEPS = 200  # of the gradient ascent
SOME = 13  # brute force searches every 13th head
TINY = torch.finfo(torch.float64).tiny


def synthetic_keys() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    uneven = random.standard_normal((500, 12))
    uneven[::29] *= 6
    flat = uneven[:, :4] @ random.standard_normal((4, 12))
    flat[250:300] = flat[100]
    flat[300:310] = 0
    scaled = uneven * np.geomspace(1e4, 1e-4, 12)
    return {
        "500 x 12, 18 keys 6 times as long": uneven.astype(np.float32),
        "the same, rank 4, 51 equal, 10 zero": flat.astype(np.float32),
        "the same, columns 1e4 ... 1e-4": scaled.astype(np.float32),
    }


def shares(products: Tensor, power: float) -> Tensor:
    weights = products.abs() ** power
    return weights / weights.sum(1, keepdim=True).clamp_min(TINY)


def adversarial_products(keys: Tensor, power: float) -> Tensor:
    """<q_j, k_l> for an adversarial query q_j of every key j, by gradient ascent with adaptive steps."""
    even = keys / keys.abs().amax(0).clamp_min(TINY)  # a change of basis, which leaves the products
    u, s, _ = torch.linalg.svd(even, full_matrices=False)
    basis = u[:, s > 1e-6 * s[0]]
    x = basis.clone()
    best = shares(x @ basis.T, power).diagonal()
    step = torch.full((len(x), 1), 0.1, dtype=x.dtype)
    for _ in range(0 if power == 2 else STEPS):
        climbing = x.clone().requires_grad_(True)
        logarithms = shares(climbing @ basis.T, power).diagonal().clamp_min(TINY).log()
        (gradient,) = torch.autograd.grad(logarithms.sum(), climbing)
        length = step * x.norm(dim=1, keepdim=True) / gradient.norm(dim=1, keepdim=True).clamp_min(TINY)
        moved = x + length * gradient
        found = shares(moved @ basis.T, power).diagonal()
        better = (found > best).unsqueeze(1)
        x, best = torch.where(better, moved, x), torch.maximum(found, best)
        step = torch.where(better, 1.5 * step, step / 2)
    return x @ basis.T


def heavy_by_brute_force(keys: np.ndarray, queries: np.ndarray, power: float) -> np.ndarray:
    wide = torch.from_numpy(keys.astype(np.float64))
    random = torch.randn(1000, wide.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    given = torch.cat([torch.from_numpy(queries.astype(np.float64)), random]) @ wide.T
    largest = torch.maximum(shares(given, power).amax(0), shares(adversarial_products(wide, power), power).amax(0))
    return np.flatnonzero(largest.numpy() >= EPS[power])


def missed_row(name: str, power: float, cases: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[object]:
    """Counts, summed over cases (keys, queries)."""
    counts = np.zeros(5, np.int64)
    for keys, queries in cases:
        selected, too_few = (
            loewner.attention.select_heavy_keys(keys, eps=e, power=power).indices for e in (EPS[power], 2 * EPS[power])
        )
        heavy = heavy_by_brute_force(keys, queries, power)
        missed, control = (len(np.setdiff1d(heavy, chosen)) for chosen in (selected, too_few))
        counts += [len(keys), len(selected), len(heavy), missed, control]
    return [name, f"{power:g}", EPS[power], *counts]


def missed_rows(all_heads: Sequence[Head]) -> Iterator[list[object]]:
    some = all_heads[::SOME]
    for power in EPS:
        for name, keys in synthetic_keys().items():
            yield missed_row(name, power, [(keys, np.empty((0, keys.shape[1]), np.float32))])
        yield missed_row(f"MiniLM, {len(some)} heads of 512 x 32", power, [(h.keys, h.queries) for h in some])


def errors(head: Head, kept: Sequence[np.ndarray], kind: str) -> list[float]:
    weights = weights_of(head.queries, head.keys, kind)
    whole = weights @ head.values
    result = []
    for indices in kept:
        output = weights[:, indices] @ head.values[indices]
        if kind == "softmax":
            output /= weights[:, indices].sum(1, keepdims=True)
        result.append(float(np.linalg.norm(output - whole) / np.linalg.norm(whole)))
    return result


def best_for(head: Head, kind: str, count: int) -> np.ndarray:
    return np.argsort(-weights_of(head.queries, head.keys, kind).sum(0), kind="stable")[:count]


def error_rows(all_heads: Sequence[Head]) -> Iterator[list[object]]:
    chosen = {name: [[scorer(h.keys, c) for c in KEPT] for h in all_heads] for name, scorer in SCORERS.items()}
    for kind in ("softmax", "power 2"):
        best = {"most weight, knowing the queries": [[best_for(h, kind, c) for c in KEPT] for h in all_heads]}
        for name, kept in (chosen | best).items():
            means = np.mean([errors(h, k, kind) for h, k in zip(all_heads, kept, strict=True)], axis=0)
            yield [kind, name, *(f"{mean:.3f}" for mean in means)]


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    arguments = parser.parse_args()
    all_heads = heads(arguments.glue, TEXTS, LENGTH)
    header = ["keys", "p", "eps", "number", "selected", "heavy", "missed", "missed at 2 eps"]
    publish("heavy-keys-missed", markdown_table(header, missed_rows(all_heads)), arguments.update_docs)
    header = ["weights", "keys chosen by", *(f"{count} kept" for count in KEPT)]
    publish("heavy-keys-errors", markdown_table(header, error_rows(all_heads)), arguments.update_docs)


if __name__ == "__main__":
    main()
