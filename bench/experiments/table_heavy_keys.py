# SPDX-License-Identifier: Apache-2.0
"""Heavy keys on real attention: the share of the weights that each choice of keys holds, and the cost of the choice.

First table: queries and keys of every head of all-MiniLM-L6-v2 on texts of about 128 tokens (concatenated sentences of
GLUE tasks). For each number of kept keys it gives the share of the attention mass on them, if chosen by leverage,
length of the key, recency, k-means (the key nearest to each center) or at random, compared with the best choice given
the queries; for softmax, as in the model, and for weights <q, k>^2. Second table: time to score n keys of one head, at
once and in a stream, compared with one call of torch's scaled_dot_product_attention on the same head. The methods take
turns; medians. A minute.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import loewner
import numpy as np
import torch
from attention_heads import heads
from loewner.torch import key_leverages
from results_page import experiment_parser, markdown_table, publish
from sklearn.cluster import KMeans
from timing import in_turns, limited_threads
from torch.nn.functional import scaled_dot_product_attention

TEXTS, LENGTH = 12, 128
KEPT = (8, 16, 32)
SIZES = ((4096, 64), (16384, 64))
BLOCK = 256  # keys per push into the stream

Scorer = Callable[[np.ndarray, int], np.ndarray]  # keys (n x d), number of keys to choose -> their indices


def nearest_to_centers(keys: np.ndarray, count: int) -> np.ndarray:
    fit = KMeans(count, n_init=1, random_state=0).fit(keys)
    return np.unique(fit.transform(keys).argmin(0))


SCORERS: dict[str, Scorer] = {
    "leverage": lambda keys, count: (
        loewner.attention.select_heavy_keys(np.ascontiguousarray(keys), max_keys=count).indices
    ),
    "key length": lambda keys, count: np.argsort(-np.linalg.norm(keys, axis=1), kind="stable")[:count],
    "recent": lambda keys, count: np.arange(len(keys))[-count:],
    "k-means": nearest_to_centers,
    "chance": lambda keys, count: np.random.default_rng(0).permutation(len(keys))[:count],
}


def weights_of(queries: np.ndarray, keys: np.ndarray, kind: str) -> np.ndarray:
    products = queries.astype(np.float64) @ keys.T
    if kind == "softmax":
        products = np.exp((products - products.max(1, keepdims=True)) / keys.shape[1] ** 0.5)
    else:
        products = products**2
    return products / products.sum(1, keepdims=True)


def mass_rows(glue: Path) -> list[list[str]]:
    all_heads = heads(glue, TEXTS, LENGTH)
    rows = []
    for kind in ("softmax", "power 2"):
        weights = [weights_of(head.queries, head.keys, kind) for head in all_heads]
        for name, scorer in SCORERS.items():
            shares = [
                np.mean(
                    [w[:, scorer(head.keys, count)].sum(1).mean() for head, w in zip(all_heads, weights, strict=True)]
                )
                for count in KEPT
            ]
            rows.append([kind, name, *(f"{share:.3f}" for share in shares)])
        best = [np.mean([np.sort(w.sum(0))[-count:].sum() / w.sum() for w in weights]) for count in KEPT]
        rows.append([kind, "best, knowing the queries", *(f"{share:.3f}" for share in best)])
    return rows


def stream_of(keys: np.ndarray) -> None:
    stream = loewner.attention.HeavyKeyStream(keys.shape[1], 0, eps=0.1)
    nothing = np.empty((BLOCK, 0), np.float32)
    for first in range(0, len(keys), BLOCK):
        stream.push(keys[first : first + BLOCK], nothing)
    stream.current()


def speed_rows(rounds: int) -> list[list[str]]:
    rows = []
    for n, d in SIZES:
        q, k, v = torch.randn(3, 1, 1, n, d, generator=torch.Generator().manual_seed(0)).unbind()
        keys = k[0, 0].numpy()
        results = in_turns(
            {
                "torch attention": partial(scaled_dot_product_attention, q, k, v),
                "select_heavy_keys": partial(loewner.attention.select_heavy_keys, keys, eps=0.1),
                "HeavyKeyStream": partial(stream_of, keys),
                "key_leverages (torch)": partial(key_leverages, k),
            },
            rounds,
        )
        reference = results["torch attention"].seconds
        for name, result in results.items():
            seconds = result.seconds
            rows.append(
                [f"{n} x {d}", name, f"{1e3 * seconds:.2f}", f"{1e6 * seconds / n:.2f}", f"{seconds / reference:.3f}"]
            )
    return rows


def main() -> None:
    parser = experiment_parser(__doc__, glue=True)
    parser.add_argument("--rounds", type=int, default=7, help="measured runs of each method (default 7)")
    arguments = parser.parse_args()
    header = ["weights", "keys chosen by", *(f"{count} kept" for count in KEPT)]
    publish("heavy-keys", markdown_table(header, mass_rows(arguments.glue)), arguments.update_docs)
    with limited_threads():
        rows = speed_rows(arguments.rounds)
    header = ["keys", "method", "ms", "us a key", "of attention"]
    publish("heavy-keys-speed", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
