# SPDX-License-Identifier: Apache-2.0
"""`loewner eval`: file layouts of labeled sentences, and scores of models."""

from __future__ import annotations

import json
from pathlib import Path

import loewner
import numpy as np
import pytest
import torch
import transformers
from command_runs import Command, models_here
from loewner.evaluation import Evaluation, evaluate, read_task
from loewner.evaluation.metrics import bootstrap, interval, metrics_of_encoder, resamples
from loewner.evaluation.tasks import Task
from sklearn.metrics import accuracy_score
from tokenized_models import model_with_tokenizer, text

# task, file, content in the original layout, the same content as sentence columns with class numbers
LAYOUTS = [
    (
        "CoLA",
        "dev.tsv",
        'gj04\t1\t\tThey left.\ngj04\t0\t*\tLeft they "so.\n',
        'sentence\tlabel\nThey left.\t1\nLeft they "so.\t0\n',
    ),
    (
        "MRPC",
        "dev.tsv",
        "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tOne.\tAn one.\n0\t9\t5\tTwo.\tThree.\n",
        "sentence1\tsentence2\tlabel\nOne.\tAn one.\t1\nTwo.\tThree.\t0\n",
    ),
    (
        "RTE",
        "dev.tsv",
        "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n1\tC.\tD.\tentailment\n",
        "sentence1\tsentence2\tlabel\nA.\tB.\t1\nC.\tD.\t0\n",
    ),
    (
        "QNLI",
        "dev.tsv",
        "index\tquestion\tsentence\tlabel\n0\tWho?\tHe.\tentailment\n",
        "sentence1\tsentence2\tlabel\nWho?\tHe.\t0\n",
    ),
    (
        "QQP",
        "dev.tsv",
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tWhat for?\t1\n",
        "sentence1\tsentence2\tlabel\nWhy?\tWhat for?\t1\n",
    ),
    (
        "MNLI",
        "dev_matched.tsv",
        "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tA.\tB.\tneutral\tcontradiction\n",
        "sentence1\tsentence2\tlabel\nA.\tB.\t2\n",
    ),
    (
        "STS-B",
        "dev.tsv",
        "index\tgenre\tsentence1\tsentence2\tscore\n0\tmain\tA.\tB.\t3.25\n",
        "sentence1\tsentence2\tlabel\nA.\tB.\t3.25\n",
    ),
]


@pytest.mark.parametrize(("name", "file", "original", "copy"), LAYOUTS, ids=[layout[0] for layout in LAYOUTS])
def test_both_layouts_of_a_task_are_the_same_task(
    tmp_path: Path, name: str, file: str, original: str, copy: str
) -> None:
    tasks = []
    for folder, written, content in (("original", file, original), ("copy", "dev.tsv", copy)):
        (tmp_path / folder / name).mkdir(parents=True)
        (tmp_path / folder / name / written).write_text(content, encoding="utf-8")
        tasks.append(read_task(name.lower(), tmp_path / folder))
    assert tasks[0].sentences == tasks[1].sentences
    np.testing.assert_array_equal(tasks[0].labels, tasks[1].labels)


def test_labels_of_other_files_are_scores_classes_or_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sentence1,sentence2,label\n"A, b",C,0.5\nD,E,1\n')
    (tmp_path / "b.jsonl").write_text('{"sentence": "A", "label": 2}\n\n{"label": 0, "sentence": "B"}\n')
    (tmp_path / "c.tsv").write_text("sentence\tlabel\nA\tno\nB\tyes\n")
    scores, classes, words = (read_task(str(tmp_path / name)) for name in ("a.csv", "b.jsonl", "c.tsv"))
    assert scores.is_regression
    assert scores.sentences == [["A, b", "D"], ["C", "E"]]
    assert (classes.labels.tolist(), classes.is_regression) == ([2, 0], False)
    assert (words.label_names, words.labels.tolist()) == (("no", "yes"), [0, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sentence\tmark\nA\t1\n", "must have a column 'label', got columns 'sentence', 'mark'"),
        ("sentence\tlabel\nA\t1\nB\n", "line 3: must have 2 columns, got 1"),
        ("sentence\tlabel\n", "at least one line of data"),
        ("", "at least one line of data"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "own.tsv"
    file.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_task(str(file))


def test_unknown_labels_and_tasks_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "RTE").mkdir()
    (tmp_path / "RTE/dev.tsv").write_text("sentence1\tsentence2\tlabel\nA\tB\tmaybe\n")
    with pytest.raises(
        ValueError, match=r"line 2: label must be one of entailment, not_entailment or 0 \.\.\. 1, got 'maybe'"
    ):
        read_task("RTE", tmp_path)
    with pytest.raises(ValueError, match="task must be one of STS-B"):
        read_task("SNLI", tmp_path)
    with pytest.raises(ValueError, match="the folder of the tasks must be given"):
        read_task("RTE")


def test_a_plain_encoder_is_refused_for_a_task_of_single_sentences() -> None:
    with pytest.raises(ValueError, match="needs a classifier"):
        metrics_of_encoder(Task("SST-2", [["a"]], np.array([1])))


def test_the_interval_of_an_accuracy_is_that_of_the_binomial_distribution() -> None:
    labels = np.zeros(400, np.int64)
    predicted = (np.arange(400) % 5 == 0).astype(np.int64)  # right in 80 %
    value, values = bootstrap(lambda p, y: float((p == y).mean()), predicted, labels, resamples(400, 4000, seed=1))
    found = interval(value, values)
    half_width = 1.96 * (0.8 * 0.2 / 400) ** 0.5
    assert found.value == 0.8
    assert found.high - found.value == pytest.approx(half_width, rel=0.15)
    assert found.value - found.low == pytest.approx(half_width, rel=0.15)


def make_classifier(folder: Path, labels: list[str], swap: bool = False) -> Path:
    """A random classifier of two classes. With `swap` its outputs and their names are in reverse order."""
    model_with_tokenizer("bert", folder)
    torch.manual_seed(3)
    config = transformers.AutoConfig.from_pretrained(folder)
    config.id2label = dict(enumerate(reversed(labels) if swap else labels))
    config.label2id = {name: i for i, name in config.id2label.items()}
    config.architectures = ["BertForSequenceClassification"]
    model = transformers.BertForSequenceClassification(config)
    if swap:
        model.classifier.weight.data = model.classifier.weight.data.flip(0)
        model.classifier.bias.data = model.classifier.bias.data.flip(0)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def task() -> Task:
    labels = np.arange(60) % 2
    return Task("SST-2", [text(60)], labels, ("negative", "positive"))


@pytest.fixture(scope="module")
def evaluations(task: Task, tmp_path_factory: pytest.TempPathFactory) -> list[Evaluation]:
    """A classifier, the same classifier with its classes in reverse order, and the compressed classifier."""
    folder = tmp_path_factory.mktemp("models")
    model = make_classifier(folder / "model", ["negative", "positive"])
    swapped = make_classifier(folder / "swapped", ["negative", "positive"], swap=True)
    loewner.compress(model, folder / "small", keep=0.4, method="svd", row_weights="none")
    with models_here():
        return evaluate([model, swapped, folder / "small"], task, threads=1)


def test_scores_are_those_of_the_predictions(evaluations: list[Evaluation], task: Task) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(evaluations[0].model).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(evaluations[0].model)
    with torch.inference_mode():
        logits = model(**tokenizer(task.sentences[0], return_tensors="pt", padding=True)).logits
    assert evaluations[0].scores["accuracy"].value == accuracy_score(task.labels, logits.argmax(1).numpy())
    assert (evaluations[0].differences, evaluations[0].fidelity) == (None, None)
    assert evaluations[0].tokens_per_second > 0


def test_classes_are_matched_by_their_names(evaluations: list[Evaluation]) -> None:
    assert evaluations[1].scores == evaluations[0].scores
    assert evaluations[1].fidelity is not None
    assert (evaluations[1].fidelity.measure, evaluations[1].fidelity.mean) == ("agreement", 1.0)


def test_differences_are_paired(evaluations: list[Evaluation]) -> None:
    same, small = evaluations[1].differences, evaluations[2].differences
    assert same is not None
    assert small is not None
    assert (same["accuracy"].low, same["accuracy"].high) == (0, 0)  # each resample has the same sentences
    found = evaluations[2].scores["accuracy"].value - evaluations[0].scores["accuracy"].value
    assert small["accuracy"].value == found
    assert small["accuracy"].low <= found <= small["accuracy"].high


def test_the_command_scores_encoders_by_the_cosine(tmp_path: Path, command: Command) -> None:
    model = model_with_tokenizer("bert", tmp_path / "model")
    lines = [f"{a}\t{b}\t{i % 6}.5" for i, (a, b) in enumerate(zip(text(20), text(20, seed=1), strict=True))]
    (tmp_path / "pairs.tsv").write_text("\n".join(["sentence1\tsentence2\tlabel", *lines]))
    done = command(
        "eval", "--threads", 1, model, model, "--task", tmp_path / "pairs.tsv", "--json", tmp_path / "report.json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "spearman" in done.stdout
    first, second = json.loads((tmp_path / "report.json").read_text())
    assert first["fidelity"] is None
    assert second["fidelity"]["mean"] == pytest.approx(1, abs=1e-6)
    assert set(second["scores"]) == {"spearman", "pearson"}


@pytest.mark.usefixtures("one_process")
def test_failures_of_the_command_have_their_exit_codes(tmp_path: Path, command: Command) -> None:
    model = model_with_tokenizer("bert", tmp_path / "model")
    (tmp_path / "own.tsv").write_text("sentence\tlabel\nw1 w2\t1\nw3\t0\n")
    for arguments, code, message in [
        ([tmp_path / "none", "--task", "RTE"], 3, "expected a model folder"),
        ([model, "--task", "SNLI"], 2, "task must be one of"),
        ([model, "--task", "RTE", "--data", tmp_path], 3, "RTE/dev.tsv"),
        ([model, "--task", tmp_path / "own.tsv"], 2, "needs a classifier"),
    ]:
        done = command("eval", "--threads", 1, *arguments)
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
