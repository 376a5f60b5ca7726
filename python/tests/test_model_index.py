# SPDX-License-Identifier: Apache-2.0
"""Model cards: the metadata that `compress` writes, and the scores that `eval --card` adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import loewner
import pytest
from command_runs import Command
from huggingface_hub import ModelCard
from loewner.evaluation import Evaluation, Interval
from loewner.evaluation.model_index import ScoredCard
from tokenized_models import model_with_tokenizer, text

BODY = "\n# A model, made smaller by loewner\n\n| tensor | error |\n|---|---|\n| a: b | 0.1 |\n"
CARD = '---\nbase_model: "org/model"\nbase_model_relation: quantized\ntags:\n- loewner\n---\n' + BODY


def scored(task: str, scores: dict[str, float], kind: str = "information-retrieval") -> Evaluation:
    intervals = {metric: Interval(value, value - 0.01, value + 0.01) for metric, value in scores.items()}
    return Evaluation(Path("small"), task, 10, intervals, None, None, 1.0, 0, kind)


def card_of(folder: Path) -> Any:
    """The card as the Hub's own package reads it."""
    return ModelCard.load(folder / "README.md")


def card_in(folder: Path, content: str) -> Path:
    (folder / "README.md").write_bytes(content.encode())
    return folder


def test_scores_are_added_to_the_metadata_and_the_rest_stays(tmp_path: Path) -> None:
    ScoredCard(card_in(tmp_path, CARD)).add([scored("Sci Fact", {"ndcg@10": 0.64321, "overlap@10": float("nan")})])
    card = card_of(tmp_path)
    assert card.text == BODY
    assert (card.data.base_model, card.data.base_model_relation) == ("org/model", "quantized")
    assert card.data.tags == ["loewner"]
    (result,) = card.data.eval_results
    assert (result.task_type, result.dataset_name, result.dataset_type) == (
        "information-retrieval",
        "Sci Fact",
        "sci-fact",
    )
    assert (result.metric_type, result.metric_value) == ("ndcg@10", 0.6432)
    assert result.metric_name == "ndcg@10 (95 % interval 0.6332 to 0.6532)"
    assert card.data.model_name == tmp_path.name


def test_scores_of_the_same_task_and_metric_are_replaced_and_others_are_kept(tmp_path: Path) -> None:
    ScoredCard(card_in(tmp_path, CARD)).add([scored("a", {"ndcg@10": 0.1}), scored("b", {"ndcg@10": 0.2})])
    ScoredCard(tmp_path).add([scored("a", {"ndcg@10": 0.3}), scored("a", {"accuracy": 0.4}, "text-classification")])
    results = card_of(tmp_path).data.eval_results
    assert [(each.dataset_name, each.metric_type, each.metric_value) for each in results] == [
        ("a", "ndcg@10", 0.3),
        ("b", "ndcg@10", 0.2),
        ("a", "accuracy", 0.4),
    ]


def test_a_card_without_metadata_gets_some(tmp_path: Path) -> None:
    ScoredCard(card_in(tmp_path, "# A model\n")).add([scored("a", {"ndcg@10": 0.1})])
    card = card_of(tmp_path)
    assert (card.text.strip(), len(card.data.eval_results)) == ("# A model", 1)


@pytest.mark.parametrize("content", ["---\na: [\n---\n", "---\n- a\n---\n", "---\nmodel-index:\n- name: a\n---\n"])
def test_a_broken_card_is_refused_and_stays(tmp_path: Path, content: str) -> None:
    with pytest.raises(loewner.IoError, match=r"README.md: must begin with the metadata of a model card"):
        ScoredCard(card_in(tmp_path, content))
    assert (tmp_path / "README.md").read_text() == content


def retrieval_folder(folder: Path) -> Path:
    folder.mkdir()
    lines = text(40)
    entries = [json.dumps({"_id": f"d{i}", "text": line}) for i, line in enumerate(lines)]
    (folder / "corpus.jsonl").write_text("\n".join(entries))
    entries = [json.dumps({"_id": f"q{i}", "text": line[3:]}) for i, line in enumerate(lines[:20])]
    (folder / "queries.jsonl").write_text("\n".join(entries))
    (folder / "qrels").mkdir()
    (folder / "qrels/test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(f"q{i}\td{i}\t1\n" for i in range(20))
    )
    return folder


@pytest.mark.usefixtures("one_process")
def test_the_command_scores_rankings_and_writes_the_card_of_a_compressed_model(
    tmp_path: Path, command: Command
) -> None:
    model, task = model_with_tokenizer("bert", tmp_path / "model"), retrieval_folder(tmp_path / "known-items")
    small = tmp_path / "small"
    loewner.compress(model, small, keep=0.2, method="svd", row_weights="none")
    before = card_of(small)
    assert (before.data.base_model, before.data.base_model_relation) == ("model", "quantized")
    assert (before.data.library_name, before.data.eval_results) == ("transformers", None)
    report = tmp_path / "report.json"
    done = command("eval", model, small, "--task", task, "--card", small, "--json", report, "--index", "faiss")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = json.loads(report.read_text())
    assert list(first["scores"]) == ["ndcg@10", "recall@10", "recall@100", "mrr@100"]
    assert first["scores"]["ndcg@10"]["value"] > second["scores"]["ndcg@10"]["value"]
    assert (first["count"], first["task"], first["task_type"]) == (20, "known-items", "information-retrieval")
    assert 0 < second["scores"]["overlap@10"]["value"] < 1
    assert "overlap@10" in done.stdout
    after = card_of(small)
    assert after.text == before.text
    assert {each.metric_type: each.metric_value for each in after.data.eval_results} == {
        metric: round(score["value"], 4) for metric, score in second["scores"].items()
    }
    assert loewner.verify(small, model).holds  # the sizes in the card still hold


def test_failures_of_the_command_have_their_exit_codes(tmp_path: Path, command: Command) -> None:
    model, task = model_with_tokenizer("bert", tmp_path / "model"), retrieval_folder(tmp_path / "task")
    (tmp_path / "empty").mkdir()
    for arguments, code, message in [
        (["--task", tmp_path / "empty"], 3, "corpus.jsonl"),
        (["--task", task, "--split", "dev"], 3, "qrels/dev.tsv"),
        (["--task", task, "--index", "hnsw"], 2, "hnsw"),
        (["--task", task, "--card", tmp_path], 2, "--card must be one of the models"),
        (["--task", task, "--card", model], 3, "README.md"),
    ]:
        done = command("eval", model, *arguments)
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
