"""A plan as one JSON file, so that a run is repeated elsewhere (docs/quantization.md, "A plan as a file")."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgesr.export.quantization.plan import Biases, Plan
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode, to_json
from edgesr.runtimes.wording import counted

if TYPE_CHECKING:
    import onnx

KIND = "edgesr-quantization-plan"
SCHEMA_VERSION = 1
_REMAKE = "remove it and let edgesr export --plan write it anew"
_SAME_SIZE = 1e-4

_Values = dict[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class _PlanFile:
    """``plan`` holds no biases: these are lists of numbers, each the shortest that gives its float32 back."""

    kind: str
    schema_version: int
    tile_sha256: str
    plan: Plan
    biases: _Values
    biases_8bit: _Values


def save_plan(path: Path, plan: Plan, tile_sha256: str) -> None:
    """Write a plan; ``tile_sha256``: of the float32 ONNX tile graph that it was made for."""
    stored = _PlanFile(
        kind=KIND,
        schema_version=SCHEMA_VERSION,
        tile_sha256=tile_sha256,
        plan=replace(plan, biases={}, biases_8bit={}),
        biases=_numbers(plan.biases),
        biases_8bit=_numbers(plan.biases_8bit),
    )
    path.write_text(to_json(stored))


def load_plan(path: Path) -> Plan:
    """The plan of a file; raises an InputError for what is none."""
    data = read_json(path, remake=_REMAKE)
    if data.get("kind") != KIND:
        raise InputError(f"{path}: is no plan of a quantization; {_REMAKE}")
    require_version(path, data, oldest=SCHEMA_VERSION, newest=SCHEMA_VERSION, remake=_REMAKE)
    try:
        stored = decode(_PlanFile, data)
    except DecodeError as error:
        raise InputError(f"{path}: is damaged: {error}; {_REMAKE}") from error
    if fault := _fault(stored.plan):
        raise InputError(f"{path}: is damaged: {fault}; {_REMAKE}")
    return replace(stored.plan, biases=_arrays(stored.biases), biases_8bit=_arrays(stored.biases_8bit))


def _fault(plan: Plan) -> str | None:
    """The reason why it is no plan that can be applied."""
    for name in ("measured", "measured_8bit", "budget"):
        if getattr(plan, name) is None:
            return f"{name} is missing"
    for name, (low, high) in plan.ranges.items():
        if not low <= 0 <= high:
            return f"0 is not in the range of {name}, {low:g} to {high:g}"
    return None


def require_same_network(path: Path, plan: Plan, model: onnx.ModelProto) -> None:
    """Raise an InputError that names the file and the first layer or tensor of its plan that a float tile graph has
    not.
    """
    from edgesr.export.graphs.onnx_graph import constant, layer_names, output_axis, weight_sizes, weighted_nodes
    from edgesr.export.quantization.ranges import quantizable_tensors

    labels, sizes = layer_names(model), weight_sizes(model)
    for layer, size in plan.weight_sizes.items():
        name = plan.labels.get(layer, layer)
        if labels.get(layer) != name:
            raise InputError(f"{path}: is a plan of another network: this one has no layer {name}; {_REMAKE}")
        if not abs(sizes[layer] - size) <= _SAME_SIZE * size:
            raise InputError(f"{path}: is a plan of other weights: those of layer {name} differ; {_REMAKE}")
    tensors = {model.graph.input[0].name, *(name for node in model.graph.node for name in node.output)}
    for what, names in (("tensor", plan.ranges), ("layer", labels), ("layer", plan.float_layers)):
        known = tensors if what == "tensor" else plan.weight_sizes
        if missing := next((name for name in names if name not in known), None):
            raise InputError(f"{path}: is a plan of another network: only one of both has {what} {missing}; {_REMAKE}")
    if absent := next((name for name in quantizable_tensors(model) if name not in plan.ranges), None):
        raise InputError(f"{path}: has no range of tensor {absent}; {_REMAKE}")
    channels = {n.name: constant(model, n.input[1]).shape[output_axis(n)] for n in weighted_nodes(model)}
    for layer, bias in (*plan.biases.items(), *plan.biases_8bit.items()):
        if channels.get(layer) != bias.size:
            values = counted(bias.size, "value")
            raise InputError(f"{path}: its bias of {layer} has {values}, other than the layer; {_REMAKE}")


def _numbers(biases: Biases) -> _Values:
    return {name: tuple(float(str(value)) for value in values.ravel()) for name, values in biases.items()}


def _arrays(values: _Values) -> Biases:
    return {name: np.asarray(numbers, dtype=np.float32) for name, numbers in values.items()}
