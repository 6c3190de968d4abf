"""int8 written into a graph of PyTorch: what XNNPACK computes in integers has its tensors quantized and dequantized.

Activations are int8 per tensor with a zero point, weights int8 per output channel and symmetric.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.fx import GraphModule, Node

from edgesr.export.quantization.plan import Range
from edgesr.export.quantization.ranges import affine_8bit
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT
from edgesr.runtimes.arrays import FloatArray

CONVOLUTION = torch.ops.aten.conv2d.default
IN_INTEGERS = (torch.ops.aten.add.Tensor, torch.ops.aten.relu.default, torch.ops.aten.cat.default)
"""What XNNPACK computes in int8 besides convolutions; activations with a slope it computes in float32."""
_LOWEST, _HIGHEST = -128, 127


def with_weights(graph: GraphModule, node: Node, weights: FloatArray, bias: FloatArray | None) -> None:
    """Give a convolution int8 weights (out,in,kh,kw), which lie on their grid already, and a bias (out,)."""
    scales = np.abs(weights.reshape(len(weights), -1)).max(axis=1).astype(np.float32) / np.float32(LEVELS_8BIT)
    scales[scales == 0] = 1.0
    integers = np.rint(weights / scales[:, None, None, None]).clip(-LEVELS_8BIT, LEVELS_8BIT).astype(np.int8)
    with graph.graph.inserting_before(node):
        stored = [
            _constant(graph, f"{node.name}_{name}", values)
            for name, values in (
                ("int8", torch.from_numpy(integers)),
                ("scales", torch.from_numpy(scales)),
                ("zeros", torch.zeros(len(scales), dtype=torch.int64)),
            )
        ]
        dequantized = graph.graph.call_function(
            _operators().dequantize_per_channel.default, (*stored, 0, -LEVELS_8BIT, LEVELS_8BIT, torch.int8)
        )
        given = list(node.args)
        given[1] = dequantized
        if bias is not None:
            given[2:3] = [_constant(graph, f"{node.name}_bias", torch.from_numpy(bias.astype(np.float32)))]
        node.args = tuple(given)


def quantize_tensors(graph: GraphModule, ranges: dict[Node, Range]) -> None:
    """Round the outputs of nodes to 256 levels between two ends; every reader dequantizes them for itself."""
    for node, (low, high) in ranges.items():
        scale, zero_point = affine_8bit(low, high)
        settings = (scale, zero_point + _LOWEST, _LOWEST, _HIGHEST, torch.int8)
        readers = list(node.users)
        with graph.graph.inserting_after(node):
            quantized = graph.graph.call_function(_operators().quantize_per_tensor.default, (node, *settings))
        for reader in readers:
            with graph.graph.inserting_before(reader):
                back = graph.graph.call_function(_operators().dequantize_per_tensor.default, (quantized, *settings))
            reader.replace_input_with(node, back)
    graph.graph.eliminate_dead_code()
    graph.recompile()


def record_values(graph: GraphModule, image: FloatArray, wanted: Callable[[Node], bool]) -> dict[Node, FloatArray]:
    """Tensors that the wanted nodes give on an image (1,c,h,w): others give sizes."""
    found: dict[Node, FloatArray] = {}

    class _Recorder(torch.fx.Interpreter):
        def run_node(self, n: Node) -> object:
            value = super().run_node(n)
            if wanted(n) and isinstance(value, torch.Tensor):
                found[n] = value.numpy()
            return value

    with torch.inference_mode():
        _Recorder(graph).run(torch.from_numpy(image))
    return found


def constant_of(graph: GraphModule, node: Node) -> FloatArray:
    """The values that a get_attr node gives."""
    value: object = graph
    for name in str(node.target).split("."):
        value = getattr(value, name)
    assert isinstance(value, torch.Tensor)
    result: FloatArray = value.detach().numpy()
    return result


def _constant(graph: GraphModule, name: str, values: torch.Tensor) -> Node:
    graph.register_buffer(name, values)
    return graph.graph.get_attr(name)


def _operators() -> Any:
    """The operators that stand for quantization in a graph, which this import makes known."""
    from torch.ao.quantization.fx import _decomposed  # noqa: F401

    return torch.ops.quantized_decomposed
