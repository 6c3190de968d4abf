"""A plan applied to a float tile graph."""

from __future__ import annotations

import onnx

from edgesr.export.graphs.onnx_graph import weighted_nodes
from edgesr.export.quantization.plan import Plan
from edgesr.export.quantization.quantize_onnx import quantize_onnx, with_biases
from edgesr.export.quantization.weight_rounding import LEVELS_7BIT, LEVELS_8BIT, round_weights


def apply_plan(model: onnx.ModelProto, plan: Plan, *, reduced_range: bool = True) -> onnx.ModelProto:
    """The Q/DQ form of a float tile graph by a plan."""
    return quantize_onnx(
        planned_weights(model, plan, reduced_range=reduced_range),
        plan.ranges,
        scope=plan.scope,
        float_layers=plan.float_layers,
        reduced_range=reduced_range,
    )


def planned_weights(model: onnx.ModelProto, plan: Plan, *, reduced_range: bool) -> onnx.ModelProto:
    """The float model with a plan's biases, and the weights of its int8 layers on their grid of 7 or 8 bits."""
    layers = [node.name for node in weighted_nodes(model) if node.name not in plan.float_layers]
    rounded = round_weights(model, layers, LEVELS_7BIT if reduced_range else LEVELS_8BIT)
    return with_biases(rounded, plan.biases if reduced_range else plan.biases_8bit)
