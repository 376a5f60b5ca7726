# SPDX-License-Identifier: Apache-2.0
"""A small vision transformer on scikit-learn's digits, trained with 32 heavy keys per head, and with all keys.

The 8 x 8 images are enlarged to 14 x 14. Tokens are the 3 x 3 neighborhoods of the 196 pixels and a class token, so a
head has 197 keys of dimension 16. The rows differ in the attention only: initialization, batches and number of epochs
are equal. accuracy: on 450 test images, in percent, mean over seeds. plugged in: weights trained with full softmax
whose attention is replaced after training. Ten minutes on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from loewner.torch import LevAttention
from results_page import experiment_parser, markdown_table, publish
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, scaled_dot_product_attention, unfold

SIDE = 14
KEYS = SIDE * SIDE + 1
WIDTH, HEADS, LAYERS = 48, 3, 2
KEPT = 32
EPOCHS, BATCH, RATE = 20, 64, 3e-3
SEEDS = 2
PLUGGED = (32, 64, 128)

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


def random_keys(count: int) -> Attention:
    """Softmax over random keys, chosen anew in every call."""
    generator = torch.Generator().manual_seed(0)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        kept = torch.randperm(key.shape[-2], generator=generator)[:count]
        return scaled_dot_product_attention(query, key[..., kept, :], value[..., kept, :])

    return attend


def longest_keys(count: int) -> Attention:
    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        kept = key.norm(dim=-1).topk(count, dim=-1).indices.unsqueeze(-1).expand(*key.shape[:-2], count, key.shape[-1])
        return scaled_dot_product_attention(query, key.gather(-2, kept), value.gather(-2, kept))

    return attend


TRAINED: dict[str, Attention] = {
    "softmax, all keys": scaled_dot_product_attention,
    f"softmax, {KEPT} heavy keys": LevAttention(max_keys=KEPT, power=None),
    f"softmax, {KEPT} random keys": random_keys(KEPT),
    "squares, all keys": LevAttention(max_keys=KEYS, power=2.0),
    f"squares, {KEPT} heavy keys": LevAttention(max_keys=KEPT, power=2.0),
}


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.projections, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor, attention: Attention) -> Tensor:
        heads = self.projections(self.before_attention(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.output(attention(*heads).transpose(1, 2).flatten(2))
        return x + self.mlp(self.before_mlp(x))


class VisionTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Linear(9, WIDTH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(0.1 * torch.randn(1, KEYS, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 10))

    def forward(self, patches: Tensor, attention: Attention) -> Tensor:
        x = torch.cat([self.class_token.expand(len(patches), -1, -1), self.embedding(patches)], 1) + self.positions
        for block in self.blocks:
            x = block(x, attention)
        return self.head(x[:, 0])


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Patches (images x 196 x 9) and labels, of the training and of the test set."""
    data = load_digits()
    images = torch.from_numpy(data.images.astype(np.float32) / 8 - 1).unsqueeze(1)
    large = interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=True)
    patches = unfold(large, 3, padding=1).transpose(1, 2).contiguous()
    train, test = train_test_split(np.arange(len(images)), test_size=450, stratify=data.target, random_state=0)
    labels = torch.from_numpy(data.target)
    return patches[train], labels[train], patches[test], labels[test]


def trained(attention: Attention, patches: Tensor, labels: Tensor, seed: int, epochs: int) -> VisionTransformer:
    torch.manual_seed(seed)
    model = VisionTransformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    steps = epochs * (len(patches) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.15)
    for _ in range(epochs):
        for batch in torch.randperm(len(patches))[: len(patches) // BATCH * BATCH].split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(patches[batch], attention), labels[batch]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    return model


@torch.inference_mode()
def accuracy(model: VisionTransformer, attention: Attention, patches: Tensor, labels: Tensor) -> float:
    found = torch.cat([model(part, attention).argmax(1) for part in patches.split(BATCH)])
    return 100 * float((found == labels).double().mean())


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"training epochs (default {EPOCHS})")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    patches, labels, test_patches, test_labels = digits()
    scores: dict[tuple[str, str, int], list[float]] = {}

    def score(how: str, name: str, kept: int, model: VisionTransformer, attention: Attention) -> None:
        found = accuracy(model, attention, test_patches, test_labels)
        scores.setdefault((how, name, kept), []).append(found)
        print(how, name, kept, f"{found:.1f}", file=sys.stderr, flush=True)

    for seed in range(SEEDS):
        for name, attention in TRAINED.items():
            model = trained(attention, patches, labels, seed, arguments.epochs)
            score("trained", name, KEYS if "all" in name else KEPT, model, attention)
            if attention is scaled_dot_product_attention:
                for count in PLUGGED:
                    plugged = LevAttention(max_keys=count, power=None)
                    score("plugged in", f"softmax, {count} heavy keys", count, model, plugged)
                    score("plugged in", f"softmax, {count} longest keys", count, model, longest_keys(count))
                    score("plugged in", f"softmax, {count} random keys", count, model, random_keys(count))
    twin = np.mean(scores["trained", "softmax, all keys", KEYS])
    rows = [
        [how, name, f"{np.mean(found):.1f}", f"{min(found):.1f} ... {max(found):.1f}", f"{np.mean(found) / twin:.3f}"]
        for (how, name, _), found in sorted(scores.items(), key=lambda item: item[0][0] != "trained")
    ]
    header = ["how", "attention", "accuracy", "seeds", "of the twin"]
    publish("digits-attention", markdown_table(header, rows), arguments.update_docs)


if __name__ == "__main__":
    main()
