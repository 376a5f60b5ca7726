# SPDX-License-Identifier: Apache-2.0
"""A second implementation of docs/format.md: decodes every structure from the files, with NumPy alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

Matrix = np.ndarray[Any, Any]
Arrays = dict[str, Matrix]

# Levels of the trellis quantizer, from docs/format.md.
LEVELS = {
    int(bits): np.array(values.split(), np.float32)
    for bits, values in (
        line.split(":") for line in (Path(__file__).parents[2] / "docs" / "trellis-levels.txt").read_text().splitlines()
    )
}

# Frequencies of the symbols of entropy codes: of magnitudes by table and by even or odd levels, and of changes.
FREQUENCIES = np.array(
    [
        line.split(":")[1].split()
        for line in (Path(__file__).parents[2] / "docs" / "entropy-tables.txt").read_text().splitlines()
    ],
    int,
)
CHANGES, FREQUENCIES = FREQUENCIES[-1], FREQUENCIES[:-1].reshape(19, 2, 16)


def philox(seed: int, purpose: int, words: int) -> Matrix:
    """The first words of the stream (seed, purpose, 0): Philox4x32-10, counter (block, purpose, 0, 0)."""
    mask, out = 0xFFFFFFFF, []
    for block in range(-(-words // 4)):
        counter, key = [block, purpose, 0, 0], [seed & mask, seed >> 32]
        for _ in range(10):
            a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
            counter = [(b >> 32) ^ counter[1] ^ key[0], b & mask, (a >> 32) ^ counter[3] ^ key[1], a & mask]
            key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
        out += counter
    return np.array(out[:words], np.uint32)


def hadamard(x: Matrix) -> Matrix:
    """Hadamard transform of the last axis, whose length is a power of two, in the order of operations of the format."""
    length = x.shape[-1]
    stride = length // 2
    while stride >= 1:
        pairs = x.reshape(*x.shape[:-1], length // (2 * stride), 2, stride)
        x = np.stack([pairs[..., 0, :] + pairs[..., 1, :], pairs[..., 0, :] - pairs[..., 1, :]], -2).reshape(x.shape)
        stride //= 2
    return np.asarray(x * (np.float32(1) / np.sqrt(np.float32(length))))


def unrotate(x: Matrix, seed: int, scale: Matrix) -> Matrix:
    rows, cols = x.shape
    length = cols & -cols
    blocks = cols // length
    steps = 1 if blocks <= 63 else 4
    bits = np.unpackbits(philox(seed, 5, -(-steps * cols // 32)).view(np.uint8), bitorder="little")
    signs = np.where(bits, np.float32(-1), np.float32(1))[: steps * cols].reshape(steps, cols)
    if blocks <= 63:
        x = hadamard(x.reshape(rows, blocks, length))
        if blocks > 1:
            angle = 2 * np.pi * (np.outer(np.arange(blocks), np.arange(blocks)) % blocks) / blocks
            q = ((np.cos(angle) + np.sin(angle)) / np.sqrt(blocks)).astype(np.float32)
            mixed = [x[:, 0] * q[j, 0] for j in range(blocks)]
            for k in range(1, blocks):
                mixed = [mixed[j] + x[:, k] * q[j, k] for j in range(blocks)]
            x = np.stack(mixed, 1)
        x = x.reshape(rows, cols)
    else:
        length, x = 1 << (cols.bit_length() - 1), x.copy()
        for step in (3, 2, 1, 0):
            part = slice(0, length) if step % 2 == 0 else slice(cols - length, cols)
            x[:, part] = hadamard(x[:, part])
            x = x * signs[step] if step > 0 else x
    return np.asarray(x * (scale[:, None] * signs[0]))


def untrellis(planes: Matrix, bits: int, cols: int, before: Matrix) -> Matrix:
    """planes: rows x (bits ceil(cols / 8)) bytes; before: the byte before plane 0 of each row."""
    symbols = np.unpackbits(planes.reshape(len(planes), bits, -1), axis=-1, bitorder="little")[..., :cols].astype(int)
    u = np.concatenate([np.unpackbits(before[:, None], axis=-1, bitorder="little"), symbols[:, 0]], axis=1).astype(int)
    parity = [sum(u[:, 8 - age : 8 - age + cols] for age in range(9) if mask >> age & 1) % 2 for mask in (0o362, 0o515)]
    level = parity[0] + 2 * parity[1] + sum(symbols[:, i] << (i + 1) for i in range(1, bits))
    positive = LEVELS[bits]
    return np.asarray(np.concatenate([-positive[::-1], positive])[level])


def log_scales(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    codes = arrays["log_scales"][:, 0].astype(int)
    values = np.ldexp((2 ** (codes % 8 / 8)).astype(np.float32), spec["scale_exponent"] + codes // 8)
    return np.asarray(np.where(codes == 0, np.float32(0), values))


def codes(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    rows, cols = spec["rows"], spec["cols"]
    nibbles = arrays["bits"][:, 0]
    steps = np.stack([nibbles & 15, nibbles >> 4], 1).reshape(-1)[:rows].astype(int)
    joined = spec["structure"] == "joined_codes"
    scale = (
        log_scales(spec, arrays)
        if joined
        else np.ldexp(arrays["scales"][:, 0].astype(np.float32), spec["scale_exponent"])
    )
    band_cols = spec.get("band_cols", [cols])
    band_sizes = np.array(spec.get("band_sizes", [1]), np.float32)
    ladder = np.array(spec.get("band_bits", [[b] for b in range(9)]))
    sizes = (ladder * -(-np.array(band_cols) // 8)).sum(1)
    offset = np.concatenate([[0], np.cumsum(sizes[steps])])
    out = np.zeros((rows, cols), np.float32)
    for step, bits in enumerate(ladder):
        chosen = np.flatnonzero(steps == step)
        if len(chosen) == 0:
            continue
        if step == 0:
            if "shared" in arrays:
                out[chosen] = scale[chosen, None] * arrays["shared"][:, 0].astype(np.float32)
            continue
        at, first, before = offset[chosen], 0, np.zeros(len(chosen), np.uint8)
        for g, (width, b) in enumerate(zip(band_cols, bits, strict=True)):
            if b > 0:
                planes = arrays["codes"][:, 0][at[:, None] + np.arange(b * -(-width // 8))]
                seed = (spec["rotation_seed"] + g) % 2**64
                band = unrotate(untrellis(planes, b, width, before), seed, scale[chosen] * band_sizes[g])
                out[chosen, first : first + width] = band
                before = planes[:, -(-width // 8) - 1] if joined else before
            at, first = at + b * -(-width // 8), first + width
    return out


class RangeDecoder:
    """The symbols of one stream of entropy codes (docs/format.md)."""

    def __init__(self, stream: bytes) -> None:
        self.bytes, self.state = iter(stream), 0
        for _ in range(3):
            self.state = self.state << 8 | next(self.bytes)

    def symbol(self, frequencies: Matrix) -> int:
        starts = np.cumsum(frequencies) - frequencies
        symbol = int(np.searchsorted(starts, self.state % 4096, side="right")) - 1
        self._remove(int(starts[symbol]), int(frequencies[symbol]))
        return symbol

    def bits(self, count: int) -> int:
        value = 0
        for part in [count - 12, 12] if count > 12 else [count]:
            share = 4096 >> part
            value = value << part | (number := self.state % 4096 // share)
            self._remove(number * share, share)
        return value

    def _remove(self, start: int, frequency: int) -> None:
        self.state = frequency * (self.state // 4096) + self.state % 4096 - start
        while self.state < 65536:
            self.state = self.state << 8 | next(self.bytes)

    def byte(self, before: int | None) -> int:
        """The step or the scale of a row: itself in the first row of a stream, else its change."""
        if before is None:
            return self.bits(8)
        folded = self.symbol(CHANGES)
        folded += self.bits(9) if folded == 15 else 0
        return (before + (folded // 2 if folded % 2 == 0 else -(folded + 1) // 2)) % 256

    def level(self, entry_class: int, odd: int) -> tuple[int, int]:
        """The level of an entry, and the parity of its magnitude."""
        low = max((entry_class - 12) // 4, 0)
        cell = self.symbol(FREQUENCIES[entry_class - 1 if entry_class < 16 else 15 + entry_class % 4, odd])
        if cell == 15:
            length = self.bits(4)
            cell += (1 << length | self.bits(length)) - 1
        if cell == 0:
            return 0, 0
        magnitude = 1 + ((cell - 1) << low | self.bits(low))
        return (-1 if self.bits(1) else 1) * max(2 * magnitude - odd, 0), magnitude % 2


def entropy_codes(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    lengths = arrays["lengths"].astype(int) @ [1, 256]
    stream, columns = arrays["codes"][:, 0].tobytes(), arrays["col_scales"][:, 0].astype(int)
    out = np.zeros((spec["rows"], spec["cols"]), np.float32)
    for s, end in enumerate(np.cumsum(lengths)):
        decoder = RangeDecoder(stream[end - lengths[s] : end])
        first, step, scale = s * spec["rows_of_stream"], None, None
        for i in range(first, min(first + spec["rows_of_stream"], spec["rows"])):
            step, scale, state = decoder.byte(step), decoder.byte(scale), 0
            for k in np.flatnonzero(scale > columns):
                high, odd = (bin(2 * state & mask).count("1") % 2 for mask in (0o515, 0o362))
                out[i, k], parity = decoder.level(min(scale - int(columns[k]), 60), odd)
                state = (2 * state + (parity ^ high)) % 256
            root = np.float32(2.0 ** (step % 4 / 4))
            out[i] *= np.ldexp(root, spec["scale_exponent"] + step // 4)
        assert decoder.state == 65536 and next(decoder.bytes, None) is None
    return out


def integers(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    values = arrays["codes"]
    if spec["bits"] == 4:
        values = np.stack([values & 15, values >> 4], -1).reshape(spec["rows"], -1)[:, : spec["cols"]]
    steps, offsets = (
        np.repeat(np.ldexp(arrays[name].astype(np.float32), spec["scale_exponent"]), spec["group"], axis=1)
        for name in ("steps", "offsets")
    )
    return np.asarray(offsets[:, : spec["cols"]] + steps[:, : spec["cols"]] * values.astype(np.float32))


def low_rank(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    return arrays["left"].astype(np.float32) @ arrays["right"].astype(np.float32)


def dense(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    return arrays["weight"].astype(np.float32)


def subspaces(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    out = np.zeros((spec["rows"], spec["cols"]), np.float32)
    for c, dimension in enumerate(spec["dimensions"]):
        if dimension > 0:
            left, right = (arrays[f"{side}_{c}"].astype(np.float32) for side in ("left", "right"))
            out[arrays["cluster"][:, 0] == c] = left @ right
    return out


def nested(name: str, spec: dict[str, Any], arrays: Arrays) -> Matrix:
    own = {n.removeprefix(f"{name}_"): array for n, array in arrays.items() if n.startswith(f"{name}_")}
    return STRUCTURES[spec[name]["structure"]](spec[name], own)


def product(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    return nested("left", spec, arrays) @ nested("right", spec, arrays)


def archetypes(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    indices = arrays["indices"].astype(int)
    if spec["archetypes"] > 256:
        indices = indices[:, ::2] + 256 * indices[:, 1::2]
    points = arrays["archetypes"].astype(np.float32)
    assert (arrays["weights"].astype(int).sum(1) == 255).all()
    mixed = np.zeros((spec["rows"], spec["cols"]), np.float32)
    for m in range(spec["per_row"]):
        mixed += arrays["weights"][:, m, None].astype(np.float32) * points[indices[:, m]]
    scale = np.ldexp(arrays["scales"].astype(np.float32), spec["scale_exponent"]) / np.float32(255)
    rest = nested("residual", spec, arrays) if "residual" in spec else np.float32(0)
    return np.asarray(rest + scale * mixed)


def input_codes(spec: dict[str, Any], arrays: Arrays) -> Matrix:
    by_output = nested("codes", spec, arrays).T
    if "input_rotation_seed" in spec:
        by_output = unrotate(by_output, spec["input_rotation_seed"], np.ones(len(by_output), np.float32))
    return by_output if spec["inputs"] == "cols" else by_output.T


STRUCTURES: dict[str, Callable[[dict[str, Any], Arrays], Matrix]] = {
    "codes": codes,
    "joined_codes": codes,
    "entropy_codes": entropy_codes,
    "integers": integers,
    "low_rank": low_rank,
    "dense": dense,
    "subspaces": subspaces,
    "product": product,
    "archetypes": archetypes,
    "input_codes": input_codes,
}


def array_prefix(name: str, spec: dict[str, Any]) -> str:
    return f"{name}." if "shape" in spec else name.removesuffix("weight")


def decode_folder(folder: Path) -> Arrays:
    """The decoded matrices of a folder with one weight file, by name of the original tensor."""
    tensors = json.loads((folder / "config.json").read_text())["quantization_config"]["tensors"]
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        names = list(file.keys())
        decoded = {}
        for name, spec in tensors.items():
            prefix = array_prefix(name, spec)
            arrays = {
                n.removeprefix(prefix): file.get_tensor(n)
                for n in names
                if n.startswith(prefix) and "." not in n.removeprefix(prefix)
            }
            decoded[name] = STRUCTURES[spec["structure"]](spec, arrays).reshape(spec.get("shape", (spec["rows"], -1)))
    return decoded
