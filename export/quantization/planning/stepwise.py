"""A graph run tensor by tensor on several tiles: what was computed before is kept, and can be changed in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgesr.export.graphs.onnx_graph import copied, live_nodes, sort_nodes
from edgesr.runtimes.arrays import FloatArray

State = dict[str, NDArray[Any]]


class Stepwise:
    """Runs a graph in exact arithmetic up to one tensor after the other; nothing is computed twice.

    A state a tile holds the tensors that what is left still reads.
    """

    def __init__(self, model: onnx.ModelProto, tiles: Sequence[FloatArray]) -> None:
        self._model = copied(model)
        sort_nodes(self._model)
        self._output = model.graph.output[0].name
        self._pending = list(self._model.graph.node)
        self._states: list[State] = [{model.graph.input[0].name: tile[None]} for tile in tiles]

    def run_to(self, name: str) -> list[FloatArray]:
        """A tensor's values on every tile."""
        needed = live_nodes(self._pending, [name]) if name not in self._states[0] else []
        if needed:
            done = {output for node in needed for output in node.output}
            self._pending = [node for node in self._pending if done.isdisjoint(node.output)]
            read = {i for node in self._pending for i in node.input} | {name, self._output}
            outputs = [output for node in needed for output in node.output if output in read]
            run = _runner(self._part(needed, outputs), self._states[0])
            self._states = [{n: v for n, v in {**state, **run(state)}.items() if n in read} for state in self._states]
        return [state[name] for state in self._states]

    def peek(self, name: str) -> list[FloatArray]:
        """A tensor's values on every tile, which are computed again where they are read."""
        run = _runner(self._part(live_nodes(self._pending, [name]), [name]), self._states[0])
        return [run(state)[name] for state in self._states]

    def set_bias(self, layer_name: str, bias: FloatArray) -> None:
        """Give a layer, which was not computed yet, another bias (c,)."""
        layer = next(node for node in self._pending if node.name == layer_name)
        name = f"{layer_name}.corrected_bias"
        layer.input[:] = [*layer.input[:2], name]
        self._model.graph.initializer.append(numpy_helper.from_array(bias, name))

    def rest(self, change: Callable[[onnx.ModelProto], onnx.ModelProto]) -> list[FloatArray]:
        """The graph's output on every tile, where what is left of the graph is changed; the state stays as it is."""
        run = _runner(change(self._part(live_nodes(self._pending, [self._output]), [self._output])), self._states[0])
        return [run(state)[self._output] for state in self._states]

    def _part(self, nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> onnx.ModelProto:
        """These nodes as a graph whose inputs are tensors of the state."""
        result = onnx.ModelProto(ir_version=self._model.ir_version, opset_import=self._model.opset_import)
        read = {name for node in nodes for name in node.input}
        graph = result.graph
        graph.name = self._model.graph.name
        graph.node.extend(nodes)
        graph.initializer.extend(tensor for tensor in self._model.graph.initializer if tensor.name in read)
        for name, values in self._states[0].items():
            if name in read or name in outputs:
                kind = helper.np_dtype_to_tensor_dtype(values.dtype)
                sizes_of_others = np.issubdtype(values.dtype, np.integer)  # of a Resize: their number must be known
                shape = values.shape if sizes_of_others else [None] * values.ndim
                graph.input.append(helper.make_tensor_value_info(name, kind, shape))
        graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
        return result


def _runner(part: onnx.ModelProto, state: State) -> Callable[[State], State]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(part.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = [i.name for i in session.get_inputs() if i.name in state]
    outputs = [o.name for o in session.get_outputs()]

    def run(state: State) -> State:
        found = session.run(outputs, {name: state[name] for name in inputs})
        return dict(zip(outputs, found, strict=True))

    return run
