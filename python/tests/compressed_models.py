# SPDX-License-Identifier: Apache-2.0
"""Small models of encoded_models.py, compressed by the package and loaded again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import loewner
import torch
import transformers
from encoded_models import FAMILIES, dense_folder

IDS = torch.arange(3, 19).reshape(2, 8)
AMOUNTS = {"svd": 0.6, "subspaces": 0.8, "codes": 0.5, "coded-svd": 0.5, "int8": 0.9, "int4": 0.9, "archetypes": 0.4}


def compressed(family: str, folder: Path, method: Any, **options: Any) -> Path:
    loewner.compress(dense_folder(family), folder, method=method, keep=AMOUNTS[method], **options)
    return folder


def load(family: str, folder: Path, **options: Any) -> Any:
    model: Any = loewner.load(folder, model_class=getattr(transformers, FAMILIES[family][0]), **options)
    return model.eval()
