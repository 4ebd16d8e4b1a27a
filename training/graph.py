"""An encoder's int8 graph for onnxruntime, made of the operators that run it fastest on a processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.weights import Array, Student

__all__ = ["encoder_graph"]

_RUNTIME = "com.microsoft"
"""onnxruntime's own operators."""
_OPERATORS, _FILE_FORMAT = 17, 8
"""The ONNX operators' version and the file's, of 2022: no runtime that Carrel supports is too old."""
_EPSILON = 1e-12
_LARGEST = 127


def encoder_graph(student: Student, *, max_tokens: int) -> onnx.ModelProto:
    """Returns `input_ids` (1, tokens) in, `last_hidden_state` (1, tokens read, dimensions) out.

    There is no mask: a call has one text. Without padding there is nothing to mask, and the scale of each
    layer's activations, taken anew from all that is in the call, is then the text's own: a text's vector does
    not depend on the company it comes in.

    Stop tokens are left out before the first layer; the others keep their places.

    Weights are int8, each column of a matrix and each row of the word embeddings with a scale of its own.
    Chosen by measurement: adding before `LayerNormalization` takes a fifth of the time that
    `SkipLayerNormalization` takes, GELU by tanh two thirds of GELU by erf; query, key and value share one
    quantised input.

    Args:
        student: What to write.
        max_tokens: The longest text, special tokens included; later positions are left out.
    """
    graph = _Graph()
    tokens, places = _read(graph, student)
    states = _embedded(graph, student, max_tokens, tokens, places)
    for layer in student.layers:
        states = _attended(graph, student, layer, states)
        states = _transformed(graph, student, layer, states)
    graph.call("Identity", states, out="last_hidden_state")
    return graph.model(student.dimensions)


def _read(graph: _Graph, student: Student) -> tuple[str, str]:
    """The numbers (1, tokens read) of the tokens that are read, and their places (tokens read)."""
    table = np.ones(len(student.weights["embeddings.word_embeddings.weight"]), bool)
    table[student.unread] = False
    first = graph.held(np.array([0]))
    numbers = graph.call("Squeeze", "input_ids", first)
    read = graph.call("Gather", graph.held(table), numbers)
    places = graph.call("Squeeze", graph.call("NonZero", read), first)
    return graph.call("Gather", "input_ids", places, axis=1), places


def _embedded(graph: _Graph, student: Student, max_tokens: int, tokens: str, places: str) -> str:
    table = student.weights["embeddings.word_embeddings.weight"]
    words, scales = _quantised(table.T)
    rows = graph.call("Cast", graph.call("Gather", graph.held(words.T), tokens), to=TensorProto.FLOAT)
    lengths = graph.call("Gather", graph.held(scales[:, None]), tokens)
    # There is one segment only, so its embedding is a part of each position's.
    positions = student.weights["embeddings.position_embeddings.weight"][:max_tokens]
    positions = positions + student.weights["embeddings.token_type_embeddings.weight"][0]
    words_and_places = graph.call(
        "Add", graph.call("Mul", rows, lengths), graph.call("Gather", graph.held(positions), places)
    )
    return _normalised(graph, student, "embeddings.LayerNorm", words_and_places)


def _attended(graph: _Graph, student: Student, layer: int, states: str) -> str:
    quantised, scale, zero = graph.calls("DynamicQuantizeLinear", states, outputs=3)
    projected = []
    for name in ("query", "key", "value"):
        weight, scales = _quantised(student.of_layer(layer, f"attention.self.{name}.weight").T)
        bias = student.of_layer(layer, f"attention.self.{name}.bias")
        of_weight = graph.held(weight), graph.held(scales), graph.held(np.zeros(len(scales), np.int8))
        inputs = (quantised, of_weight[0], scale, of_weight[1], zero, of_weight[2], graph.held(bias))
        projected.append(graph.call("MatMulIntegerToFloat", *inputs, domain=_RUNTIME))
    mixed = graph.call("MultiHeadAttention", *projected, domain=_RUNTIME, num_heads=student.heads)
    mixed = _multiplied(graph, student, layer, "attention.output.dense", mixed)
    name = f"encoder.layer.{layer}.attention.output.LayerNorm"
    return _normalised(graph, student, name, graph.call("Add", mixed, states))


def _transformed(graph: _Graph, student: Student, layer: int, states: str) -> str:
    wide = _multiplied(graph, student, layer, "intermediate.dense", states)
    wide = graph.call("FastGelu", wide, domain=_RUNTIME)
    narrow = _multiplied(graph, student, layer, "output.dense", wide)
    name = f"encoder.layer.{layer}.output.LayerNorm"
    return _normalised(graph, student, name, graph.call("Add", narrow, states))


def _multiplied(graph: _Graph, student: Student, layer: int, name: str, states: str) -> str:
    weight, scales = _quantised(student.of_layer(layer, f"{name}.weight").T)
    zero = np.zeros(len(scales), np.int8)
    held = (graph.held(each) for each in (weight, scales, zero, student.of_layer(layer, f"{name}.bias")))
    return graph.call("DynamicQuantizeMatMul", states, *held, domain=_RUNTIME)


def _normalised(graph: _Graph, student: Student, name: str, states: str) -> str:
    held = (graph.held(student.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.call("LayerNormalization", states, *held, axis=-1, epsilon=_EPSILON)


def _quantised(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    """The matrix in int8 and the scale of each of its columns, symmetric about zero."""
    scales = np.abs(matrix).max(axis=0) / _LARGEST
    scales[scales == 0] = 1.0
    return np.round(matrix / scales).astype(np.int8), scales.astype(np.float32)


class _Graph:
    """Collects nodes and constants, and names them."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def held(self, array: NDArray[Any]) -> str:
        """The name of a constant."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def call(self, operator: str, *inputs: str, domain: str = "", out: str = "", **attributes: Any) -> str:
        """The name of an operator's one result."""
        return self._call(operator, inputs, [out or f"{operator}_{len(self._nodes)}"], domain, attributes)[0]

    def calls(self, operator: str, *inputs: str, outputs: int) -> list[str]:
        """The names of an operator's results."""
        names = [f"{operator}_{len(self._nodes)}_{each}" for each in range(outputs)]
        return self._call(operator, inputs, names, "", {})

    def model(self, dimensions: int) -> onnx.ModelProto:
        """All of it."""
        read, gives = [1, "tokens"], [1, "tokens_read", dimensions]
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, read)],
            [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, gives)],
            self._constants,
        )
        operators = [helper.make_opsetid("", _OPERATORS), helper.make_opsetid(_RUNTIME, 1)]
        return helper.make_model(
            graph, opset_imports=operators, ir_version=_FILE_FORMAT, producer_name="carrel"
        )

    def _call(
        self,
        operator: str,
        inputs: tuple[str, ...],
        names: list[str],
        domain: str,
        attributes: dict[str, Any],
    ) -> list[str]:
        self._nodes.append(helper.make_node(operator, inputs, names, domain=domain, **attributes))
        return names
