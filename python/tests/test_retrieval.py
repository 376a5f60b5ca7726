# SPDX-License-Identifier: Apache-2.0
"""`loewner eval` on retrieval tasks: BEIR's files, rankings, their metrics, and models that rank."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loewner
import numpy as np
import pytest
from loewner.evaluation import Collection, RankingComparison, read_collection
from loewner.evaluation.encoders import Vectors, vectors_of
from loewner.evaluation.ranking import best
from loewner.evaluation.ranking_metrics import labeled_metrics, overlap
from tokenized_models import model_with_tokenizer, text

Files = dict[str, str]

FILES: Files = {
    "corpus.jsonl": '{"_id": "d1", "title": "A", "text": "b c"}\n\n{"_id": "d2", "text": "e"}\n'
    '{"_id": "d3", "text": ""}\n',
    "queries.jsonl": '{"_id": "q2", "text": "f"}\n{"_id": "q1", "text": "g"}\n{"_id": "q3", "text": "h"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq2\td1\t0\nq3\td3\t0\n",
}


def write(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_a_folder_of_beir_is_read(tmp_path: Path) -> None:
    found = read_collection(write(tmp_path / "small", FILES))
    assert found.name == "small"
    assert found.documents == {"d1": "A b c", "d2": "e", "d3": ""}
    assert found.queries == {"q2": "f", "q1": "g"}  # q3 has no relevant document
    assert found.judgments["q2"] == {"d2": 1, "d1": 0}


def test_the_split_is_test_or_the_only_file_or_the_named_one(tmp_path: Path) -> None:
    folder = write(tmp_path, FILES | {"qrels/dev.tsv": "q3\td3\t1\n"})  # without a line of names
    assert list(read_collection(folder).queries) == ["q2", "q1"]
    assert list(read_collection(folder, "dev").queries) == ["q3"]
    (folder / "qrels/test.tsv").rename(folder / "qrels/train.tsv")
    with pytest.raises(loewner.IoError, match="--split must name one of dev, train"):
        read_collection(folder)
    (folder / "qrels/train.tsv").unlink()
    assert list(read_collection(folder).queries) == ["q3"]
    (folder / "qrels/dev.tsv").unlink()
    assert (read_collection(folder).judgments, len(read_collection(folder))) == ({}, 3)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id"\n', r"corpus.jsonl: line 2: must be a JSON object"),
        ("corpus.jsonl", "[1]\n", r"corpus.jsonl: line 1: must be a JSON object, got list"),
        ("corpus.jsonl", '{"_id": "d1"}\n', r"corpus.jsonl: line 1: must have a text in field 'text', got None"),
        ("corpus.jsonl", '{"_id": 1, "text": "a"}\n', r"line 1: must have a text in field '_id', got 1"),
        ("corpus.jsonl", FILES["corpus.jsonl"] * 2, r"corpus.jsonl: line 5: id 'd1' is that of line 1 already"),
        ("corpus.jsonl", "", r"corpus.jsonl: must have at least one document"),
        ("queries.jsonl", "\n", r"queries.jsonl: must have at least one query"),
        ("queries.jsonl", FILES["queries.jsonl"] * 2, r"queries.jsonl: line 4: id 'q2' is that of line 1"),
        ("qrels/test.tsv", "q1\td9\t1\n", r"test.tsv: line 1: id 'd9' is not in corpus.jsonl"),
        ("qrels/test.tsv", "\nq9\td1\t1\n", r"test.tsv: line 2: id 'q9' is not in queries.jsonl"),
        ("qrels/test.tsv", "q1\t0\td1\t1\n", r"test.tsv: line 1: must have 3 columns with tabs between them, got 4"),
        ("qrels/test.tsv", "a\tb\tc\nq1\td1\tyes\n", r"test.tsv: line 2: grade must be a whole number, got 'yes'"),
        ("qrels/test.tsv", "q1\td1\t1\nq1\td1\t2\n", r"line 2: query 'q1' and document 'd1' were judged before"),
        ("qrels/test.tsv", "q1\td1\t0\n", r"test.tsv: must have a grade above 0 for at least one query"),
    ],
)
def test_a_malformed_file_is_refused_by_file_and_line(tmp_path: Path, file: str, content: str, message: str) -> None:
    with pytest.raises(loewner.IoError, match=message):
        read_collection(write(tmp_path, FILES | {file: content}))


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    (write(tmp_path, FILES) / missing).unlink()
    with pytest.raises(OSError, match=missing):
        read_collection(tmp_path)


@pytest.mark.parametrize("index", ["exact", "faiss"])
def test_the_best_documents_are_those_of_a_full_sort(index: str) -> None:
    random = np.random.default_rng(3)
    queries, documents = random.standard_normal((40, 16)), random.standard_normal((700, 16))
    queries, documents = queries.astype(np.float32), documents.astype(np.float32)
    expected = np.argsort(-(queries @ documents.T), axis=1)[:, :30]
    np.testing.assert_array_equal(best(queries, documents, 30, index), expected)
    np.testing.assert_array_equal(best(queries, documents, 700, index)[:, :30], expected)


def test_equal_products_are_in_the_order_of_the_documents() -> None:
    documents = np.array([[1.0], [2], [2], [2], [3]], np.float32)
    assert best(np.ones((1, 1), np.float32), documents, 3).tolist() == [[4, 1, 2]]
    assert best(np.ones((1, 1), np.float32), documents, 5, "faiss").tolist() == [[4, 1, 2, 3, 0]]


def test_metrics_are_those_of_their_definitions() -> None:
    judgments = {"q": {"b": 2, "c": 1, "y": 1}}
    ranking = ["a", "b", *(f"n{i}" for i in range(9)), "c"]
    found = {name: float(values[0]) for name, values in labeled_metrics({"q": ranking}, judgments).items()}
    ideal = 2 + 1 / np.log2(3) + 1 / np.log2(4)
    assert found == pytest.approx(
        {"ndcg@10": (2 / np.log2(3)) / ideal, "recall@10": 1 / 3, "recall@100": 2 / 3, "mrr@100": 1 / 2}
    )
    assert overlap({"q": ranking}, {"q": ["c", "b", "a", "x"]})["overlap@10"].tolist() == [0.5]


def collection_of(count: int, documents: int) -> Collection:
    """Query i asks for document i."""
    texts = text(documents)
    return Collection(
        "known",
        {f"d{i}": each for i, each in enumerate(texts)},
        {f"q{i}": texts[i] for i in range(count)},
        {f"q{i}": {f"d{i}": 1} for i in range(count)},
    )


def planted(noise: float, count: int = 60, documents: int = 300) -> Vectors:
    """Vectors of queries that are those of their documents, with errors."""
    random = np.random.default_rng(5)
    vectors = random.standard_normal((documents, 24))
    queries = vectors[:count] + noise * random.standard_normal((count, 24))
    return Vectors(queries.astype(np.float32), vectors.astype(np.float32), 1.0, 0)


def test_scores_fall_with_errors_of_the_vectors_and_differences_are_paired() -> None:
    comparison = RankingComparison(collection_of(60, 300))
    noises = {"first": 1, "same": 1, "worse": 4}
    first, same, worse = (comparison.add(Path(name), planted(noise)) for name, noise in noises.items())
    assert (first.differences, first.fidelity) == (None, None)
    assert "overlap@10" not in first.scores
    assert (same.scores["overlap@10"].value, same.scores["overlap@10"].low) == (1, 1)
    assert same.differences is not None
    assert worse.differences is not None
    assert worse.fidelity is not None
    for metric in first.scores:
        assert same.differences[metric].value == same.differences[metric].low == same.differences[metric].high == 0
        assert worse.differences[metric].high < 0, metric
        assert worse.differences[metric].value == worse.scores[metric].value - first.scores[metric].value
    assert worse.scores["overlap@10"].high < 1
    assert worse.fidelity.mean < 1


def test_a_shuffled_ranking_scores_as_chance() -> None:
    vectors = planted(1)
    shuffled = Vectors(vectors.queries, np.random.default_rng(0).permutation(vectors.documents), 1.0, 0)
    comparison = RankingComparison(collection_of(60, 300))
    scores, chance = comparison.add(Path("a"), vectors).scores, comparison.add(Path("b"), shuffled).scores
    assert scores["recall@10"].low > 0.5
    assert chance["recall@100"].value == pytest.approx(100 / 300, abs=4 * (1 / 3 * 2 / 3 / 60) ** 0.5)  # 4 deviations
    assert chance["ndcg@10"].high < scores["ndcg@10"].low


def test_permuted_judgments_change_the_scores(tmp_path: Path) -> None:
    asked = "".join(json.dumps({"_id": f"q{i}", "text": "a"}) + "\n" for i in range(60))
    stored = "".join(json.dumps({"_id": f"d{i}", "text": "a"}) + "\n" for i in range(300))
    scores = []
    for name, shift in (("right", 0), ("permuted", 1)):
        judged = "".join(f"q{i}\td{(i + shift) % 60}\t1\n" for i in range(60))
        files = {"corpus.jsonl": stored, "queries.jsonl": asked, "qrels/test.tsv": judged}
        comparison = RankingComparison(read_collection(write(tmp_path / name, files)))
        scores.append(comparison.add(Path("a"), planted(0.5)).scores["ndcg@10"])
    assert scores[0].low > 0.9
    assert scores[1].high < 0.2


def test_the_document_with_the_id_of_the_query_is_left_out_unless_it_was_judged() -> None:
    vectors = Vectors(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 1.0, 0)
    documents, queries = {"1": "a", "2": "b"}, {"1": "a", "2": "b"}
    others = Collection("duplicates", documents, queries, {"1": {"2": 1}, "2": {"1": 1}})
    same = Collection("same", documents, queries, {"1": {"1": 1}, "2": {"2": 1}})
    for collection in (others, same):
        assert RankingComparison(collection).add(Path("a"), vectors).scores["mrr@100"].value == 1


def test_a_collection_without_judgments_is_measured_by_its_overlap() -> None:
    labeled = collection_of(60, 300)
    comparison = RankingComparison(Collection("unlabeled", labeled.documents, labeled.queries))
    first, second = comparison.add(Path("a"), planted(1)), comparison.add(Path("b"), planted(2))
    assert first.scores == {}
    assert list(second.scores) == ["overlap@10"]
    assert 0 < second.scores["overlap@10"].value < 1


def test_results_are_the_same_for_each_index() -> None:
    found = []
    for index in ("exact", "faiss"):
        comparison = RankingComparison(collection_of(60, 300), index=index)
        found.append([comparison.add(Path("a"), planted(noise)).scores for noise in (1, 2)])
    assert found[0] == found[1]


@pytest.mark.parametrize(("package", "index", "extra"), [("pytrec_eval", "exact", "eval"), ("faiss", "faiss", "faiss")])
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, index: str, extra: str
) -> None:
    original: Callable[..., Any] = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == package:
            raise ImportError(name)
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=rf"pip install 'loewner\[{extra}\]'"):
        RankingComparison(collection_of(2, 3), index=index)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_with_tokenizer("bert", tmp_path_factory.mktemp("models") / "plain")


def as_sentence_transformers(model: Path, folder: Path, pooling: str, settings: dict[str, Any]) -> Path:
    """The same weights in a folder of sentence-transformers."""
    loewner_files = {
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": 32,
            "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_mean_tokens": pooling == "mean",
        },
        "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False},
        "config_sentence_transformers.json": settings,
    }
    write(folder, {name: json.dumps(content) for name, content in loewner_files.items()})
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_sentence_transformers_folders_keep_pooling_prompts_and_similarity(plain: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    queries, documents = text(2, seed=1), [*text(4), *text(2)]
    prompts = {"query": "w7 w8 ", "document": "w9 "}
    settings = {"prompts": prompts, "similarity_fn_name": "dot"}
    prompted = as_sentence_transformers(plain, tmp_path / "prompted", "cls", settings)
    shares: list[float] = []
    found = vectors_of(prompted, queries, documents, batch_size=3, max_length=None, progress=shares.append)
    expected = SentenceTransformer(str(prompted), device="cpu")
    for vectors, texts, prompt in ((found.queries, queries, "query"), (found.documents, documents, "document")):
        np.testing.assert_allclose(vectors, expected.encode(texts, prompt=prompts[prompt]), atol=1e-6)
        assert np.abs(vectors - expected.encode(texts)).max() > 1e-3  # the prompt counts
    assert np.abs(np.linalg.norm(found.queries, axis=1) - 1).max() > 1e-3  # dot products of vectors of any length
    np.testing.assert_array_equal(found.documents[4:], found.documents[:2])  # equal texts
    assert (shares[-1], found.tokens_per_second > 0) == (1, True)


def test_plain_folders_are_pooled_as_sentence_transformers_does(plain: Path, tmp_path: Path) -> None:
    lines = text(7)
    pooled = as_sentence_transformers(plain, tmp_path / "mean", "mean", {})
    first = vectors_of(plain, lines[:2], lines[2:], batch_size=3, max_length=20)
    second = vectors_of(pooled, lines[:2], lines[2:], batch_size=2, max_length=None)
    np.testing.assert_allclose(first.documents, second.documents, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(first.queries, axis=1), 1, atol=1e-6)
    cut = vectors_of(pooled, lines[:2], lines[2:], batch_size=2, max_length=4)
    assert np.abs(cut.documents - second.documents).max() > 1e-3
