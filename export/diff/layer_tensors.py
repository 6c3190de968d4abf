"""Values of a network's layers, as an artifact of a bundle computes them or as PyTorch did at export.

Layers are those of the bundle's float32 ONNX tile graph, whatever file the values come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.targets import EXTRA, TARGETS
from edgesr.export.graphs.layer_graphs import Layer, LayerGraph, LayerTensors, layers_of
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.onnx_layers import onnx_layer_graph
from edgesr.export.quantization.precisions import FLOAT
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, Golden
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.packages import require_packages

FULL_OUTPUT = Layer(tensor="sr", layer="sr", operator="output")
_RECORDED_ERROR = 1e-3


@dataclass(frozen=True)
class Reference:
    """The float32 ONNX tile graph that gives layers and tensors their names."""

    model: onnx.ModelProto
    graph: LayerGraph
    layers: tuple[Layer, ...]


def open_reference(bundle: Bundle) -> Reference:
    """The bundle's float32 ONNX tile graph; an InputError when it has none."""
    found = [a for a in bundle.manifest.artifacts if (a.format, a.graph, a.precision) == (ONNX.name, "tile", FLOAT)]
    if not found:
        raise InputError(
            f"{bundle.root}: has no float32 ONNX tile graph, which names the layers; export the bundle again with "
            "onnx among --targets, fp32 among --precision and tile in --graph"
        )
    model = onnx.load(bundle.model_path(min(found, key=lambda a: a.inside_only)))
    graph = onnx_layer_graph(model)
    return Reference(model, graph, tuple(layers_of(graph)))


def require_layers(artifact: Artifact) -> None:
    """An InputError for a format whose inner tensors cannot be read."""
    target = TARGETS.get(artifact.format)
    if target is None:
        raise InputError(
            f"{artifact.id}: is a {artifact.format!r} file, which this edgesr does not know; update edgesr"
        )
    if target.open_layers is None:
        readable = " or ".join(name for name, other in TARGETS.items() if other.open_layers is not None)
        raise InputError(
            f"{artifact.id}: a {artifact.format} file does not give its inner tensors ({target.why_no_layers}); "
            f"choose an {readable} artifact, or pytorch as the second"
        )


def artifact_tensors(
    bundle: Bundle, artifact: Artifact, reference: Reference, image: FloatArray, *, exact: bool = False
) -> LayerTensors:
    """Run an artifact on an LR image (3,h,w): its layers, and the SR image of a full graph.

    ``exact``: in exact arithmetic, where the runtime leaves the choice.
    """
    require_layers(artifact)
    target = TARGETS[artifact.format]
    assert target.open_layers is not None
    require_packages(f"comparing {artifact.id}", target.layer_packages, extra=EXTRA)
    file = target.open_layers(bundle.model_path(artifact))
    match = match_layers(file.graph, reference.graph)
    if artifact.graph == "full":
        match.tensors[FULL_OUTPUT.tensor] = file.graph.output
    return file.tensors(match, image, exact=exact)


def recorded_tensors(bundle: Bundle, golden: Golden, reference: Reference) -> LayerTensors:
    """What PyTorch computed at export: the modules that the generator names, and the residual.

    A module is the tensor of the float32 ONNX graph with its shape and the nearest values; where none is near (that
    file may be the faulty one) the last convolution or sum of the module's layers. An EdgesrError when there is none.
    """
    computed = runner(reference.model, [layer.tensor for layer in reference.layers])(bundle.tensor(golden.input))
    values = {}
    for module, entry in golden.intermediates.items():
        recorded = bundle.tensor(entry)
        values[_tensor_of_module(module, recorded, computed, reference)] = recorded
    values[reference.layers[-1].tensor] = bundle.tensor(golden.residual)
    return LayerTensors(frozenset(values), values.__getitem__)


def _tensor_of_module(
    module: str, recorded: FloatArray, computed: Mapping[str, FloatArray], reference: Reference
) -> str:
    """Tensor of the reference that is a module's output (c,h,w)."""
    errors = {
        name: _root_mean_square(values[0] - recorded)
        for name, values in computed.items()
        if values.shape[1:] == recorded.shape
    }
    nearest = min(errors, key=lambda name: errors[name], default=None)
    if nearest is not None and errors[nearest] < _RECORDED_ERROR * _root_mean_square(recorded):
        return nearest
    named = [
        layer.tensor
        for layer in reference.layers
        if layer.operator in ("Conv", "Add") and (layer.layer == module or layer.layer.startswith(f"{module}."))
    ]
    if not named or named[-1] not in errors:
        raise EdgesrError(
            f"the float32 ONNX tile graph has no tensor that is PyTorch's {module}, neither by values nor by name; "
            "export the bundle again"
        )
    return named[-1]


def _root_mean_square(values: FloatArray) -> float:
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))
