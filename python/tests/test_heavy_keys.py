# SPDX-License-Identifier: Apache-2.0
"""Heavy keys from NumPy, in torch and as a cache of transformers."""

from __future__ import annotations

from typing import Any

import loewner
import numpy as np
import pytest
import torch
import transformers
from loewner.torch import LevAttention, key_leverages
from loewner.transformers.heavy_key_cache import HeavyKeyCache
from torch.nn.functional import scaled_dot_product_attention


def keys_of(n: int, d: int, seed: int = 0) -> np.ndarray:
    keys = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    keys[::29] *= 5
    return keys


# ---- NumPy ----


def test_scores_are_the_diagonal_of_the_projection() -> None:
    keys = keys_of(200, 12)
    heavy = loewner.attention.select_heavy_keys(keys, eps=0.1)
    wide = keys.astype(np.float64)
    expected = np.einsum("ij,ji->i", wide, np.linalg.pinv(wide))
    np.testing.assert_allclose(heavy.scores, expected, rtol=1e-9)
    np.testing.assert_array_equal(heavy.indices, np.flatnonzero(expected >= 0.1))
    assert heavy.rank == 12


def test_half_precision_keys_are_taken_as_they_are() -> None:
    keys = keys_of(100, 8).astype(np.float16)
    half, single = (loewner.attention.select_heavy_keys(k, max_keys=9) for k in (keys, keys.astype(np.float32)))
    np.testing.assert_array_equal(half.scores, single.scores)


def test_a_stream_ends_with_the_keys_of_all_at_once() -> None:
    keys, values = keys_of(500, 8), keys_of(500, 3, seed=1)
    stream = loewner.attention.HeavyKeyStream(8, 3, eps=0.05)
    for first in range(0, 500, 60):
        stream.push(keys[first : first + 60], values[first : first + 60])
    back = loewner.attention.HeavyKeyStream.from_bytes(stream.to_bytes())
    expected = loewner.attention.select_heavy_keys(keys, eps=0.05)
    np.testing.assert_array_equal(back.current().indices, expected.indices)
    queries = keys_of(10, 8, seed=2)
    whole = loewner.attention.attend_selected(queries, keys, values, expected.indices, power=2.0)
    np.testing.assert_allclose(back.attend(queries), whole.output, rtol=1e-5, atol=1e-7)
    with pytest.raises(loewner.IoError, match="must begin with"):
        loewner.attention.HeavyKeyStream.from_bytes(b"nothing")


def test_errors_name_what_was_given() -> None:
    keys = keys_of(20, 4)
    with pytest.raises(ValueError, match="exactly one of eps and max_keys"):
        loewner.attention.select_heavy_keys(keys)
    keys[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 3, column 1"):
        loewner.attention.select_heavy_keys(keys, eps=0.1)


# ---- torch ----


def tensors(heads: int = 3, n: int = 90, d: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(2, heads, n, d, generator=generator) for _ in range(3))  # type: ignore[return-value]


def test_leverages_are_those_of_the_library() -> None:
    _, keys, _ = tensors()
    found = key_leverages(keys)
    for batch in range(2):
        for head in range(3):
            expected = loewner.attention.select_heavy_keys(keys[batch, head].numpy(), eps=0.5).scores
            np.testing.assert_allclose(found[batch, head].numpy(), expected, rtol=1e-8)
    assert torch.equal(key_leverages(torch.zeros(4, 3)), torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("factor", [1e-30, 1e-15, 1e15, 1e30])
def test_leverages_do_not_depend_on_the_scale_of_the_keys(factor: float) -> None:
    keys = torch.randn(2, 50, 8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(key_leverages(keys * factor), key_leverages(keys), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("causal", [False, True])
def test_with_all_keys_softmax_is_the_usual_attention(causal: bool) -> None:
    query, key, value = tensors()
    found = LevAttention(max_keys=90, power=None, causal=causal, chunk=16)(query, key, value)
    torch.testing.assert_close(found, scaled_dot_product_attention(query, key, value, is_causal=causal))


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("causal", [False, True])
def test_with_all_keys_powers_are_the_definition(power: float, causal: bool) -> None:
    query, key, value = tensors()
    weights = (query @ key.mT).abs() ** power
    if causal:
        weights = weights.tril()
    expected = weights / weights.sum(-1, keepdim=True) @ value
    found = LevAttention(max_keys=90, power=power, causal=causal, chunk=16)(query, key, value)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_no_weight_of_eps_is_left_out() -> None:
    query, key, value = tensors()
    eps = 0.15
    weights = (query @ key.mT) ** 2
    weights /= weights.sum(-1, keepdim=True)
    heavy = torch.where(weights >= eps, weights, 0) @ value.abs()
    found = LevAttention(eps=eps)(query, key, value.abs())
    assert (found >= heavy - 1e-6).all()
    assert (found <= weights @ value.abs() + 1e-6).all()


def test_later_keys_change_nothing_that_came_before() -> None:
    query, key, value = tensors()
    attention = LevAttention(max_keys=10, causal=True, chunk=16)
    before = attention(query, key, value)
    key[..., 60:, :] *= 100
    value[..., 60:, :] += 1
    after = attention(query, key, value)
    assert torch.equal(before[..., :60, :], after[..., :60, :])
    assert not torch.equal(before[..., 60:, :], after[..., 60:, :])


def test_gradients_are_those_of_the_attention_over_the_chosen_keys() -> None:
    query, key, value = (tensor[:1, :1, :12].double().requires_grad_() for tensor in tensors())
    for power in (None, 2.0):
        attention = LevAttention(max_keys=5, power=power)
        assert torch.autograd.gradcheck(lambda q, v: attention(q, key.detach(), v), (query, value))  # noqa: B023
        attention(query, key, value).sum().backward()
        assert key.grad is not None
        assert key.grad.isfinite().all()


@pytest.mark.parametrize(
    "options", [{}, {"max_keys": 1, "eps": 0.1}, {"max_keys": 0}, {"eps": 2.0}, {"eps": 0.1, "power": 0.5}]
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="LevAttention"):
        LevAttention(**options)  # type: ignore[arg-type]


# ---- transformers ----


def small_model(family: str) -> Any:
    torch.manual_seed(0)
    common: dict[str, Any] = {"vocab_size": 60, "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    if family == "gpt2":
        gpt2 = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **common)
        return transformers.GPT2LMHeadModel(gpt2).eval()  # type: ignore[no-untyped-call]
    config = transformers.LlamaConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
        max_position_embeddings=512,
        **common,
    )
    return transformers.LlamaForCausalLM(config).eval()  # type: ignore[no-untyped-call]


def layers_of(cache: HeavyKeyCache) -> list[Any]:
    return list(cache.layers)


def generate(model: Any, cache: transformers.Cache, new: int, **options: object) -> torch.Tensor:
    prompt = torch.arange(2, 26).reshape(2, 12)
    return model.generate(  # type: ignore[no-any-return]
        prompt, past_key_values=cache, max_new_tokens=new, do_sample=False, **options
    )


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_within_the_budget_the_text_is_the_same(family: str) -> None:
    model = small_model(family)
    expected = generate(model, transformers.DynamicCache(config=model.config), 30)
    assert torch.equal(generate(model, HeavyKeyCache(64), 30), expected)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_memory_does_not_grow_with_the_text(family: str) -> None:
    model, cache = small_model(family), HeavyKeyCache(24, sinks=2, recents=8)
    assert generate(model, cache, 200).shape == (2, 212)
    assert cache.get_seq_length() == 211  # the last token was never put in
    for layer in layers_of(cache):
        assert layer.keys.shape[-2] == layer.values.shape[-2] == 24
        positions = layer.positions
        assert (positions[..., :2] == torch.arange(2)).all()
        assert (positions[..., -8:] == torch.arange(203, 211)).all()
        assert (positions.diff() > 0).all()


def test_the_kept_keys_are_those_of_the_highest_leverage_of_all() -> None:
    cache = HeavyKeyCache(20, sinks=0, recents=1)
    keys = torch.from_numpy(keys_of(300, 8)).reshape(1, 1, 300, 8)
    for first in range(0, 300, 10):
        cache.update(keys[:, :, first : first + 10], keys[:, :, first : first + 10], 0)
    scores = key_leverages(keys[0, 0])
    kept = set(layers_of(cache)[0].positions[0, 0].tolist())
    best = set(scores.topk(19).indices.tolist())
    assert len(best - kept) <= 2  # a key that was dropped early may have ended among the last ones
    assert set(scores.topk(10).indices.tolist()) <= kept


def test_beams_take_their_state_along() -> None:
    model = small_model("llama")
    expected = generate(model, transformers.DynamicCache(config=model.config), 20, num_beams=3)
    assert torch.equal(generate(model, HeavyKeyCache(64), 20, num_beams=3), expected)
    assert generate(model, HeavyKeyCache(16, sinks=1, recents=4), 60, num_beams=3).shape == (2, 72)


def test_a_prompt_in_parts_is_the_prompt() -> None:
    model = small_model("llama")
    prompt = torch.arange(2, 50).reshape(1, 48)
    whole, parts = HeavyKeyCache(64), HeavyKeyCache(64)
    with torch.inference_mode():
        expected = model(prompt, past_key_values=whole).logits[:, -1]
        model(prompt[:, :20], past_key_values=parts)
        found = model(prompt[:, 20:], past_key_values=parts).logits[:, -1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_cache_starts_anew_and_refuses_to_go_back() -> None:
    model, cache = small_model("gpt2"), HeavyKeyCache(24)
    first = generate(model, cache, 50)
    with pytest.raises(ValueError, match="crop is not supported"):
        layers_of(cache)[0].crop(-3)
    cache.reset()  # type: ignore[no-untyped-call]
    assert torch.equal(generate(model, cache, 50), first)
    with pytest.raises(ValueError, match="must fit in the budget"):
        HeavyKeyCache(8, sinks=4, recents=8)
