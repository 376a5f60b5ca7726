# SPDX-License-Identifier: Apache-2.0
"""Tables in the metric that a text gives their channels, and row weights of its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
import torch
from calibrated_models import bert, bert_folder, weights_of, write_text
from loewner import _core
from loewner.transformers.calibration.batches import equal_length_batches
from loewner.transformers.calibration.sensitivities import (
    Sensitivities,
    covariance_of,
    predicted_changes,
    sensitivities_of,
    shrunk,
    water_filling,
)
from loewner.transformers.calibration.sequences import random_batches, token_counts
from tokenized_models import text
from torch import Tensor, nn

CHANNELS = 32


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "lines.txt")


@pytest.fixture(scope="module")
def gradients() -> Tensor:
    """Sums of g g^T of many sequences and of a few: halves x d x d each."""
    return torch.stack([_sums_of(400, seed=1), _sums_of(4, seed=2)])


def _table(network: Any) -> nn.Embedding:
    table: nn.Embedding = network.get_input_embeddings()
    return table


def _sums_of(sequences: int, seed: int) -> Tensor:
    network = bert(CHANNELS)
    sums = Sensitivities(network, {"table": _table(network)}, 2)
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 50, (sequences, 8), generator=generator)
    for half in range(2):
        sums.add(ids[half::2], generator, half)
    return sums.sums["table"]


def _covariance() -> Tensor:
    return covariance_of(_table(bert(CHANNELS)).weight, None)


def _change(metric: Tensor, gradients: Tensor) -> float:
    """At 2 bits, relative to that of equal channels."""
    changes = predicted_changes(metric, gradients[0].sum(0), _covariance(), shares=(0.0, 1.0))
    return float(changes[0, 1] / changes[1, 1])


def test_sums_are_those_of_gradients() -> None:
    network = bert(CHANNELS)
    ids = torch.tensor([[3, 4, 5]])
    sums = Sensitivities(network, {"table": _table(network)}, 2)
    sums.add(ids, torch.Generator().manual_seed(7), 0)
    generator, expected = torch.Generator().manual_seed(7), torch.zeros(CHANNELS, CHANNELS, dtype=torch.float64)
    for _ in range(2):
        rows = _table(network)(ids).detach().requires_grad_()
        states = network(inputs_embeds=rows, attention_mask=torch.ones_like(ids)).last_hidden_state
        vector = torch.nn.functional.normalize(states.mean(1), dim=-1)
        (gradient,) = torch.autograd.grad((vector * torch.randn(vector.shape, generator=generator)).sum(), rows)
        expected += (gradient[0].T @ gradient[0]).double() / 2
    torch.testing.assert_close(sums.sums["table"][0], expected, rtol=1e-3, atol=1e-6 * float(expected.abs().max()))


def test_an_ideal_coder_spends_all_bits() -> None:
    energies = torch.logspace(2, -3, 40, dtype=torch.float64)
    for bits in (0.25, 1.0, 3.0):
        errors = water_filling(energies, bits)
        assert (errors <= energies).all()
        assert float((energies / errors).log2().mean() / 2) == pytest.approx(bits, abs=1e-9)


def test_many_gradients_lower_the_predicted_change(gradients: Tensor) -> None:
    second, share = shrunk(list(gradients[0]), _covariance())
    assert share < 0.2
    assert _change(second, gradients) < 0.95


def test_few_gradients_do_not_raise_it(gradients: Tensor) -> None:
    second, _ = shrunk(list(gradients[1]), _covariance())
    assert _change(second, gradients) < 1.02
    raw = gradients[1].sum(0)
    assert _change(raw, gradients) > _change(second, gradients)  # control: shrinking is needed


def test_gradients_of_shuffled_channels_are_left_out(gradients: Tensor) -> None:
    order = torch.randperm(CHANNELS, generator=torch.Generator().manual_seed(0))
    shuffled = gradients[0][:, order][:, :, order]
    assert _change(shuffled.sum(0), gradients) > 1.02  # they harm
    second, share = shrunk([shuffled[0], gradients[0][1]], _covariance())
    assert share > shrunk(list(gradients[0]), _covariance())[1]
    assert _change(second, gradients) < _change(shuffled.sum(0), gradients)


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    network = bert(CHANNELS)
    batches = equal_length_batches([[1, 2, 3, 4, 5, 6]] * 200 + [[9, 8, 7, 4]] * 200, keep_last=False)
    tables: dict[str, tuple[int, nn.Module]] = {"table": (0, _table(network))}

    def found(threads: int) -> Tensor:
        torch.set_num_threads(threads)
        try:
            return sensitivities_of(network, tables, batches, {}, lambda _share: None, directions=2, side_by_side=True)[
                0
            ].second
        finally:
            torch.set_num_threads(1)

    assert torch.equal(found(1), found(3))


def test_random_sequences_follow_the_tokenizer(model: Path) -> None:
    (ids,) = random_batches(model, 64, 4000)
    frequencies = np.array(_core.token_frequencies(model, 64))
    assert int(ids.max()) < 64
    assert not np.isin(ids.numpy(), [0]).any()  # padding
    counts = np.bincount(ids.flatten(), minlength=64)
    ordinary = np.flatnonzero(counts)
    assert np.corrcoef(counts[ordinary], frequencies[ordinary])[0, 1] > 0.9
    again = random_batches(model, 64, 4000)[0]
    assert torch.equal(ids, again)


def test_tables_alone_are_calibrated_and_verified(model: Path, lines: Path, tmp_path: Path) -> None:
    moments = tmp_path / "moments"
    report = loewner.compress(model, tmp_path / "out", text=lines, save_moments=moments, keep=0.6, method="svd")
    (table,) = report.tensors
    assert table.output_error is not None and table.calibration is not None
    assert report.calibration is not None and report.calibration["text"] == "lines.txt"
    assert "token counts" in table.row_weights
    checked = loewner.verify(tmp_path / "out", model, moments=moments)
    assert checked.holds and not checked.notes
    again = loewner.compress(model, tmp_path / "again", moments=moments, keep=0.6, method="svd")
    assert weights_of(tmp_path / "again") == weights_of(tmp_path / "out")
    assert again.tensors[0].output_error == table.output_error
    loewner.compress(model, tmp_path / "blind", text="none", keep=0.6, method="svd")
    assert weights_of(tmp_path / "blind") != weights_of(tmp_path / "out")  # control


def test_a_table_changes_the_outputs_less_than_without_a_text(model: Path, lines: Path, tmp_path: Path) -> None:
    loewner.compress(model, tmp_path / "out", text=lines, keep=0.4, method="svd")
    loewner.compress(model, tmp_path / "blind", text="none", keep=0.4, method="svd")
    ids = torch.randint(4, 60, (64, 10), generator=torch.Generator().manual_seed(5))
    original, out, blind = (
        torch.nn.functional.normalize(loewner.load(folder)(ids).last_hidden_state.detach().mean(1), dim=-1)
        for folder in (model, tmp_path / "out", tmp_path / "blind")
    )
    assert float((original * out).sum(-1).mean()) > float((original * blind).sum(-1).mean())


def test_tokens_of_a_text_are_counted_as_calibrate_counts_them(model: Path, lines: Path, tmp_path: Path) -> None:
    loewner.calibrate(model, tmp_path / "counts", text=lines)
    expected = {int(i): int(count) for i, count in (line.split("\t") for line in (tmp_path / "counts").open())}
    counts = token_counts(model, text(200))
    assert {i: count for i, count in enumerate(counts) if count} == expected
    by_file = loewner.compress(
        model, tmp_path / "file", text="none", row_weights=tmp_path / "counts", method="codes", keep=0.3
    )
    assert by_file.tensors[0].row_weights.startswith("token counts and zipf")


def test_methods_without_a_right_factor_refuse_a_text_for_tables(model: Path, lines: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a method that minimizes errors of outputs"):
        loewner.compress(model, tmp_path / "out", text=lines, keep=0.3, method="int8")
    assert not (tmp_path / "out").exists()
