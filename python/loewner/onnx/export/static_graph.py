# SPDX-License-Identifier: Apache-2.0
"""A static embedding model as an ONNX graph: token ids and a mask -> the vector of each sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from loewner._encoded_folder import quantization_of
from loewner._structures import array_prefix
from loewner.onnx.decoders.base import new_decoder
from loewner.onnx.export.exporting import Exported
from loewner.onnx.graph import IR_VERSION, OPSET, Graph
from loewner.onnx.record import Record
from loewner.onnx.replacing import Probe, Replaced
from loewner.static_embedding import StaticModel

SMALLEST_NORM = 1e-12
INPUTS, OUTPUT = ["input_ids", "attention_mask"], "sentence_embedding"


def static_graph(folder: Path) -> Exported:
    """Inputs input_ids and attention_mask, batch x length; output sentence_embedding, batch x dimension.

    Tokens whose mask is 0 do not count, such as padding, and unknown tokens of model2vec models.
    """
    source = StaticModel(folder)
    graph = Graph()
    record = Record("folder", {} if source.spec is None else quantization_of(folder))
    ids = INPUTS[0]
    if source.mapping is not None:
        ids = graph.op("Gather", graph.store("mapping", source.mapping.astype(np.int64)), ids)
    vectors = _rows(graph, source, ids, record)
    if source.weights is not None:
        weights = graph.op("Gather", graph.store("weights", source.weights.astype(np.float32)), INPUTS[0])
        vectors = graph.op("Mul", vectors, graph.op("Unsqueeze", weights, graph.constant([2])))
    mask = graph.op("Unsqueeze", graph.cast(INPUTS[1], np.float32), graph.constant([2]))
    total = graph.op("ReduceSum", graph.op("Mul", vectors, mask), graph.constant([1]), keepdims=0)
    count = graph.op("ReduceSum", mask, graph.constant([1]), keepdims=0)
    mean = graph.op("Div", total, graph.op("Max", count, graph.constant(1, np.float32)))
    if source.normalize:
        norm = graph.op("ReduceL2", mean, graph.constant([1]), keepdims=1)
        mean = graph.op("Div", mean, graph.op("Max", norm, graph.constant(SMALLEST_NORM, np.float32)))
    graph.nodes.append(helper.make_node("Identity", [mean], [OUTPUT], OUTPUT))
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in INPUTS]
    output = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", source.dimension])
    model = helper.make_model(
        helper.make_graph([], "static_embedding", inputs, [output]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    graph.insert_into(model)
    return Exported(model, record, INPUTS, OUTPUT, [])


def _rows(graph: Graph, source: StaticModel, ids: str, record: Record) -> str:
    if source.spec is None:
        return str(graph.op("Gather", graph.store("table", source.table), ids))
    decoder = new_decoder(graph, array_prefix(source.name, source.spec), source.spec, source.arrays)
    rows = decoder.rows(ids)
    arrays = [name for name in graph.initializers if name.startswith(decoder.prefix)]
    record.add(source.name, [], Replaced({}, arrays, [Probe("rows", ids, rows)]))
    return rows
