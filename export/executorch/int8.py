"""int8 ExecuTorch files by our plan: its layers, its ranges, its biases, in the form that XNNPACK computes in integers.

PyTorch's own quantizer, calibrated on the same tiles, has no plan: the published network then keeps 32 dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.export import Dim
from torch.fx import GraphModule, Node

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.tracing import example_input
from edgesr.export.executorch.conversion import FILE, PROGRAM_FILE
from edgesr.export.executorch.int8_graph import (
    CONVOLUTION,
    IN_INTEGERS,
    constant_of,
    quantize_tensors,
    record_values,
    with_weights,
)
from edgesr.export.executorch.lowering import converting, lower
from edgesr.export.graphs.matching.proportion import SAME_VALUES, SAME_WEIGHTS, factor_of, may_be_same, sample_of
from edgesr.export.graphs.onnx_graph import constant, input_channels, layer_names, mac_shares, runner, weighted_nodes
from edgesr.export.graphs.operators import CONVOLUTION as ONNX_CONVOLUTION
from edgesr.export.quantization.plan import LEAST_INT8_SHARE, Plan, Range
from edgesr.export.quantization.weight_rounding import LEVELS_8BIT, keep_sums
from edgesr.export.records import (
    FloatLayers,
    read_taken_sizes,
    write_delegate_use,
    write_float_layers,
    write_taken_sizes,
)
from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError

Values = dict[Node, FloatArray]


@dataclass(frozen=True)
class _Pair:
    """A convolution of the program and the same one of the ONNX graph: ``weights`` and ``values`` (of the input) are
    the program's divided by those of ONNX."""

    own: Node
    node: onnx.NodeProto
    weights: float
    values: float = 1.0


def quantize_file(folder: Path, source: Path, rewriting: Rewriting) -> None:
    """Write model.pte from the program next to a float32 file, which takes the same sizes."""
    sizes = read_taken_sizes(source.parent)
    assert sizes.bounds is not None
    with converting("PyTorch cannot read the stored network"):
        program = torch.export.load(source.parent / PROGRAM_FILE)
        module = program.module(check_guards=False)
    assert isinstance(module, GraphModule)
    tile_graph = onnx.load(rewriting.tile_file)
    plan = rewriting.calibrated_for_tile_file().require_plan()
    size = sizes.bounds.fixed or rewriting.size
    float_layers = quantize(module, tile_graph, plan, size)
    shapes = None
    if sizes.bounds.fixed is None:
        (low, _), (high, _) = sizes.bounds.least, sizes.bounds.most
        shapes = ({2: Dim("height", min=low, max=high), 3: Dim("width", min=low, max=high)},)
    with converting("PyTorch cannot export the int8 network"):
        example = example_input(size, channels=input_channels(tile_graph))
        exported = torch.export.export(module, (example,), dynamic_shapes=shapes)
    lowered = lower(exported, folder / FILE)
    write_taken_sizes(folder, sizes)
    write_delegate_use(folder, lowered.delegate)
    write_float_layers(folder, float_layers)


def quantize(module: GraphModule, tile_graph: onnx.ModelProto, plan: Plan, size: Size) -> FloatLayers:
    """Put the convolutions that a plan of the float32 ONNX tile graph has in int8 into int8 in a program's graph.

    A layer is the one of the plan that has its weights and, at an LR ``size``, the values of its input. Those that are
    told stay in float32. Raises an EdgesrError where less than half of the work would be int8.
    """
    wanted = [node for node in weighted_nodes(tile_graph) if node.name not in plan.float_layers]
    image = photograph("cat", size)[: input_channels(tile_graph)]
    own = record_values(module, image[None], lambda node: node.op != "output")
    known = runner(tile_graph, [name for name in plan.ranges if name])(image)
    pairs = _same_layers(module, tile_graph, wanted, own, known)
    ranges = _ranges(plan, pairs, own, known)
    for pair in pairs:
        _quantize_layer(module, pair, tile_graph, plan)
    quantize_tensors(module, ranges)
    return _left_in_float(tile_graph, wanted, pairs, size)


def _quantize_layer(module: GraphModule, pair: _Pair, tile_graph: onnx.ModelProto, plan: Plan) -> None:
    rounded = keep_sums(constant(tile_graph, pair.node.input[1]), LEVELS_8BIT) * np.float32(pair.weights)
    bias = plan.biases_8bit.get(pair.node.name)
    scaled = None if bias is None else bias * np.float32(pair.weights * pair.values)
    with_weights(module, pair.own, rounded, scaled)


def _same_layers(
    module: GraphModule,
    tile_graph: onnx.ModelProto,
    wanted: list[onnx.NodeProto],
    own: Values,
    known: dict[str, FloatArray],
) -> list[_Pair]:
    """Each layer and each node once."""
    nodes = [(node, constant(tile_graph, node.input[1])) for node in wanted if node.op_type == ONNX_CONVOLUTION]
    samples = [sample_of(weights) for _, weights in nodes]
    chosen: list[_Pair] = []
    for place in (one for one in module.graph.nodes if one.target is CONVOLUTION):
        weights = constant_of(module, place.args[1])
        sample = sample_of(weights)
        for (node, others), other in zip(nodes, samples, strict=True):
            if weights.shape != others.shape or not may_be_same(sample, other):
                continue
            factor = factor_of(weights, others, SAME_WEIGHTS)
            values = factor_of(own[place.args[0]], known[node.input[0]], SAME_VALUES)
            if factor is None or values is None or any(pair.node is node for pair in chosen):
                continue
            chosen.append(_Pair(place, node, factor, values))
            break
    return chosen


def _ranges(plan: Plan, pairs: list[_Pair], own: Values, known: dict[str, FloatArray]) -> dict[Node, Range]:
    """The ranges of the tensors that int8 layers read and give and, if the plan is of all operators, of what else is
    int8 in XNNPACK.
    """
    ranges: dict[Node, Range] = {}
    for pair in pairs:
        ranges[pair.own.all_input_nodes[0]] = _scaled(plan.ranges[pair.node.input[0]], pair.values)
        ranges[pair.own] = _scaled(plan.ranges[pair.node.output[0]], pair.weights * pair.values)
    if plan.scope == "all":
        for node in (one for one in own if one.target in IN_INTEGERS):
            found = {one: _range_of(own[one], plan, known) for one in (node, *node.all_input_nodes)}
            if all(one is not None for one in found.values()):
                ranges |= {one: ends for one, ends in found.items() if ends is not None and one not in ranges}
    return ranges


def _range_of(values: FloatArray, plan: Plan, known: dict[str, FloatArray]) -> Range | None:
    """The range of that tensor of the plan which has these values."""
    for name, others in known.items():
        factor = factor_of(values, others, SAME_VALUES)
        if factor is not None:
            return _scaled(plan.ranges[name], factor)
    return None


def _scaled(ends: Range, factor: float) -> Range:
    return ends[0] * factor, ends[1] * factor


def _left_in_float(
    tile_graph: onnx.ModelProto, wanted: list[onnx.NodeProto], pairs: list[_Pair], size: Size
) -> FloatLayers:
    done = {pair.node.name for pair in pairs}
    shares, names = mac_shares(tile_graph, size), layer_names(tile_graph)
    left = [node for node in wanted if node.name not in done]
    if (share := sum(shares[name] for name in done)) < LEAST_INT8_SHARE:
        lost = ", ".join(names[node.name] for node in left)
        raise EdgesrError(
            f"{share:.0%} of the work would be int8 in ExecuTorch: no convolution of the program is {lost}; leave int8 "
            "out"
        )
    return FloatLayers(
        names=tuple(names[node.name] for node in left),
        mac_share=sum(shares[node.name] for node in left),
        measured=False,
    )
