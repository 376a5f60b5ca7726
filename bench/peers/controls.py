# SPDX-License-Identifier: Apache-2.0
"""Methods of papers without an installable package, implemented as the papers describe them."""

from __future__ import annotations

from itertools import product

import numpy as np
from peer import Encoded, packed, relative_error, saved_arrays


def svd_f16(bits: float, a: np.ndarray) -> Encoded:
    """Truncated SVD with both factors in f16, of the largest rank that fits into `bits` per weight."""
    rank = int(bits * a.size / (16 * sum(a.shape)))
    u, s, vt = np.linalg.svd(a, full_matrices=False)
    root = np.sqrt(s[:rank])
    left, right = (u[:, :rank] * root).astype(np.float16), (root[:, None] * vt[:rank]).astype(np.float16)
    arrays = {"left": left, "right": right}
    return Encoded(saved_arrays(arrays), lambda: left.astype(np.float32) @ right.astype(np.float32))


def uniform(a: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes and steps (f16) of symmetric uniform quantization; each column has the clipping level of least error."""
    half = 2 ** (bits - 1)
    extremes, best, error = np.abs(a).max(axis=0), np.zeros(a.shape[1], np.float32), np.full(a.shape[1], np.inf)
    for clip in np.linspace(0.2, 1, 17):
        step = (clip * extremes / half).astype(np.float16).astype(np.float32)
        lost = ((dequantized(codes_of(a, step, half), step, half) - a) ** 2).sum(axis=0)
        best, error = np.where(lost < error, step, best), np.minimum(lost, error)
    return codes_of(a, best, half), best


def codes_of(a: np.ndarray, step: np.ndarray, half: int) -> np.ndarray:
    return np.clip(np.floor(a / np.maximum(step, 1e-30)) + half, 0, 2 * half - 1).astype(np.uint8)


def dequantized(codes: np.ndarray, step: np.ndarray, half: int) -> np.ndarray:
    return (codes.astype(np.float32) - half + 0.5) * step


def lplr_factors(a: np.ndarray, sketch: np.ndarray, left_bits: int, right_bits: int) -> tuple[dict, np.ndarray]:
    """L = Q(A S), R = Q'(pinv(L) A): the right factor compensates for the rounding of the left one."""
    codes, step = uniform(a @ sketch, left_bits)
    left = dequantized(codes, step, 2 ** (left_bits - 1))
    right_codes, right_step = uniform(np.linalg.lstsq(left, a, rcond=None)[0].T, right_bits)
    right = dequantized(right_codes, right_step, 2 ** (right_bits - 1)).T
    arrays = {"left": packed(codes, left_bits), "left_step": step.astype(np.float16)}
    arrays |= {"right": packed(right_codes, right_bits), "right_step": right_step.astype(np.float16)}
    return arrays, left @ right


def lplr(bits: float, a: np.ndarray) -> Encoded:
    """LPLR (Saha, Srivastava, Pilanci 2023): the best over sketch (Gaussian or singular vectors) and bits of L."""
    random = np.random.default_rng(0)
    vt = np.linalg.svd(a, full_matrices=False)[2]
    right_bits, attempts = 8, []
    for left_bits, gaussian in product((1, 2, 3, 4, 6, 8), (True, False)):
        rank = min(int(bits * a.size / (left_bits * a.shape[0] + right_bits * a.shape[1])), a.shape[1])
        sketch = random.standard_normal((a.shape[1], rank)).astype(np.float32) if gaussian else vt[:rank].T
        attempts.append(lplr_factors(a, sketch, left_bits, right_bits))
    arrays, decoded = min(attempts, key=lambda attempt: relative_error(attempt[1], a))
    return Encoded(saved_arrays(arrays), lambda: decoded)


def messi(a: np.ndarray, clusters: int, dimension: int, max_rounds: int = 20) -> tuple[np.ndarray, list[np.ndarray]]:
    """MESSI (Maalouf et al. 2021): alternates between the nearest of k subspaces for every row and an SVD for every
    cluster until no row moves. Returns the cluster of every row and a basis (dimension x cols) of every cluster."""
    label = np.random.default_rng(0).integers(clusters, size=len(a))
    for _ in range(max_rounds):
        bases = [np.linalg.svd(a[label == c], full_matrices=False)[2][:dimension] for c in range(clusters)]
        nearest = np.argmax([((a @ basis.T) ** 2).sum(axis=1) for basis in bases], axis=0)
        if np.array_equal(nearest, label):
            break
        label = nearest
    return label, bases


def messi_table(bits: float, a: np.ndarray) -> Encoded:
    """Ten subspaces of equal dimension, the largest that fits, with coordinates and bases in f16."""
    clusters = 10
    dimension = int((bits * a.size - 8 * len(a)) / (16 * (len(a) + clusters * a.shape[1])))
    label, bases = messi(a, clusters, dimension)
    stacked = np.stack(bases).astype(np.float16)
    left = np.einsum("ij,ikj->ik", a, stacked[label].astype(np.float32), optimize=True).astype(np.float16)
    arrays = {"cluster": label.astype(np.uint8), "left": left, "right": stacked}

    def decode() -> np.ndarray:
        decoded = np.empty_like(a)
        for c in range(clusters):
            decoded[label == c] = left[label == c].astype(np.float32) @ stacked[c].astype(np.float32)
        return decoded

    return Encoded(saved_arrays(arrays), decode)


def l1_ball_ellipsoid(a: np.ndarray, slack: float = 0.05) -> np.ndarray:
    """P of an ellipsoid x^T P^-1 x <= 1 around {x : ||A x||_1 <= 1}, by the ellipsoid method (arXiv 2009.05647).

    While the end of an axis gives a slab |g x| <= 1 around the body that cuts deeper than 1 / sqrt(d), the ellipsoid is
    replaced by the smallest one around its intersection with the slab."""
    d = a.shape[1]
    shape = np.linalg.inv(a.T @ a)  # contains the body, since ||A x||_2 <= ||A x||_1
    while True:
        _, vectors = np.linalg.eigh(shape)
        slabs = a.T @ np.sign(a @ vectors)
        widths = 1 / np.einsum("ij,ij->j", slabs, shape @ slabs)
        deepest = int(np.argmin(widths))
        width, slab = widths[deepest], slabs[:, deepest]
        if width >= (1 - slack) / d:
            return shape
        across = shape @ slab
        along = np.outer(across, across) * width
        shape = d * (1 - width) / (d - 1) * (shape - along) + d * width * along


def l1_ellipsoid_directions(a: np.ndarray, rank: int) -> np.ndarray:
    """The `rank` directions in which the ellipsoid of the l_1 ball is shortest."""
    return np.linalg.eigh(l1_ball_ellipsoid(a.astype(np.float64)))[1][:, :rank].T
