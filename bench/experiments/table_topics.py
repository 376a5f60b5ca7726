# SPDX-License-Identifier: Apache-2.0
"""Topics of the GLUE sentences, and communities of a synthetic network, by LatentSimplex and by scikit-learn's models.

Topics: bags of words of the distinct sentences of all tasks of --glue (train split) with at least eight words of the
vocabulary; ten topics. coherence: mean NPMI of the pairs among the ten top words of a topic, counted over the sentences
(1: always together, 0: independent, -1: never together). distinct: share of different words among the top words of all
topics. LDA is fitted to counts, the other models to tf-idf. share: share of the rows near a vertex; sentences of a
single topic are rare, and .003 is about 45 of them.

Communities: 3000 nodes in five communities; the shares of a node are drawn from a Dirichlet distribution (.2), so that
8 % are almost wholly in each one; edges have probability .1 between members of the same community and .01 otherwise.
Error: mean over nodes of half the l_1 distance between true and found shares, after matching. The first row fits the
shares to the true vertices, so its error is due to the random edges alone. Median of three networks. Three minutes.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from loewner.evaluation import read_task
from loewner.sklearn import LatentSimplex
from results_page import experiment_parser, markdown_table, publish
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import NMF, LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from timing import timed

TASKS = ("CoLA", "SST-2", "MRPC", "STS-B", "RTE", "WNLI")
TOPICS, WORDS = 10, 10
LEAST_WORDS, TOPIC_SHARE = 8, 0.003
NODES, COMMUNITIES, MIXING, INSIDE, BETWEEN, NETWORKS = 3000, 5, 0.2, 0.1, 0.01, 3
COMMUNITY_SHARE = 0.08


def sentences_of(glue: Path) -> list[str]:
    tasks = (read_task(task, glue, split="train") for task in TASKS)
    return sorted({sentence for task in tasks for column in task.sentences for sentence in column})


def coherence(top: np.ndarray, present: scipy.sparse.csc_matrix) -> float:
    """Mean NPMI over pairs. top: topics x words; present: sentences x words, 0 or 1."""
    count, values = present.shape[0], []
    for words in top:
        chosen = present[:, words].toarray().astype(np.float64)
        single, both = chosen.mean(0), chosen.T @ chosen / count
        for i, j in zip(*np.triu_indices(len(words), 1), strict=True):
            joint = both[i, j]
            values.append(np.log(joint / (single[i] * single[j])) / -np.log(joint) if joint > 0 else -1.0)
    return float(np.mean(values))


def fitted(model: Any, rows: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Components (clusters x columns), weights (rows x clusters) and seconds of the fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of models that do not converge within their limit
        seconds = timed(lambda: model.fit(rows)).seconds
    if isinstance(model, MiniBatchKMeans):
        return model.cluster_centers_, np.eye(model.n_clusters)[model.labels_], seconds
    weights = model.transform(rows)
    return model.components_, weights / np.maximum(weights.sum(1, keepdims=True), 1e-12), seconds


def models(count: int, share: float) -> dict[str, Any]:
    return {
        "loewner LatentSimplex": LatentSimplex(count),
        f"the same, share {share}": LatentSimplex(count, share=share),
        "NMF": NMF(count, random_state=0, max_iter=400),
        "LDA": LatentDirichletAllocation(count, random_state=0),
        "MiniBatchKMeans": MiniBatchKMeans(count, n_init=5, random_state=0),
    }


def topic_rows(glue: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of the comparison; and the top words of the topics of LatentSimplex."""
    vectorizer = CountVectorizer(stop_words="english", min_df=20, token_pattern=r"[A-Za-z]{3,}")
    counts = vectorizer.fit_transform(sentences_of(glue)).astype(np.float64)
    counts = counts[np.asarray(counts.sum(1)).ravel() >= LEAST_WORDS]
    words, present = vectorizer.get_feature_names_out(), (counts > 0).tocsc()
    weighted = TfidfTransformer().fit_transform(counts).tocsr()
    comparison, named = [], []
    for name, model in models(TOPICS, TOPIC_SHARE).items():
        components, _, seconds = fitted(model, counts if name == "LDA" else weighted)
        top = np.argsort(-components, axis=1)[:, :WORDS]
        comparison.append(
            [name, f"{coherence(top, present):.3f}", f"{len(np.unique(top)) / top.size:.2f}", f"{seconds:.1f}"]
        )
        if isinstance(model, LatentSimplex) and model.share == TOPIC_SHARE:
            named = [[str(i + 1), ", ".join(words[row])] for i, row in enumerate(top)]
    return comparison, named


def network(seed: int) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
    """Adjacency matrix of an undirected network, and the nodes' shares of the communities."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(COMMUNITIES, MIXING), NODES)
    probability = BETWEEN + (INSIDE - BETWEEN) * shares @ shares.T
    upper = np.triu(random.random((NODES, NODES)) < probability, 1)
    return scipy.sparse.csr_matrix((upper | upper.T).astype(np.float64)), shares


def share_error(shares: np.ndarray, found: np.ndarray) -> float:
    distances = np.abs(shares[:, :, None] - found[:, None, :]).sum(0)
    return float(distances[linear_sum_assignment(distances)].sum() / (2 * len(shares)))


def true_vertices(shares: np.ndarray) -> LatentSimplex:
    """A model with the true vertices: the expected edges of a node that is wholly in one community."""
    model = LatentSimplex(COMMUNITIES)
    model.components_ = np.ascontiguousarray(BETWEEN + (INSIDE - BETWEEN) * shares.T)
    model.n_features_in_ = NODES
    return model


def community_rows() -> list[list[str]]:
    networks = [network(seed) for seed in range(NETWORKS)]
    floor = np.median([share_error(shares, true_vertices(shares).transform(edges)) for edges, shares in networks])
    table = [["true vertices", f"{floor:.3f}", ""]]
    for name, model in models(COMMUNITIES, COMMUNITY_SHARE).items():
        errors, times = [], []
        for edges, shares in networks:
            _, found, seconds = fitted(model, edges)
            errors.append(share_error(shares, found))
            times.append(seconds)
        table.append([name, f"{np.median(errors):.3f}", f"{np.median(times):.2f}"])
    return table


def main() -> None:
    arguments = experiment_parser(__doc__, glue=True).parse_args()
    comparison, named = topic_rows(arguments.glue)
    header = ["model", "coherence", "distinct", "seconds"]
    publish("topics", markdown_table(header, comparison), arguments.update_docs)
    publish("topic-words", markdown_table(["topic", "words"], named), arguments.update_docs)
    header = ["model", "error of the shares", "seconds"]
    publish("communities", markdown_table(header, community_rows()), arguments.update_docs)


if __name__ == "__main__":
    main()
