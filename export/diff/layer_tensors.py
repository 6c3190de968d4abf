"""Values of a network's layers, as an artifact of a bundle computes them.

Layers are those of the bundle's float32 ONNX graph, whatever file the values come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.targets import EXTRA, TARGETS
from edgesr.export.graphs.layer_graphs import Layer, LayerGraph, LayerTensors, layers_of
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.onnx_layers import onnx_layer_graph
from edgesr.export.quantization.precisions import FLOAT
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact, GraphKind
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import require_packages

_FULL_OUTPUT = Layer(tensor="sr", layer="sr", operator="output")


@dataclass(frozen=True)
class Reference:
    """The float32 ONNX graph that gives layers and tensors their names."""

    model: onnx.ModelProto
    graph: LayerGraph
    kind: GraphKind
    layers: tuple[Layer, ...]

    @property
    def pictures(self) -> tuple[str, str]:
        """Names of what files give: the output of the graph, and the image of a full one."""
        return self.graph.output, _FULL_OUTPUT.tensor

    def layers_of(self, kind: GraphKind) -> tuple[Layer, ...]:
        """The layers of a graph of a kind: a full graph has the tile graph's, and the image behind them."""
        return self.layers if kind == self.kind else (*self.layers, _FULL_OUTPUT)


def open_reference(bundle: Bundle, kind: GraphKind) -> Reference:
    """The bundle's float32 ONNX graph for graphs of a kind; raises an InputError when it has none.

    It is the tile graph, which all full graphs hold. Full graphs of a network without glue may have no tile graph, or
    one that takes pooled means, too: then it is the full one.
    """
    found = [a for a in bundle.manifest.artifacts if (a.format, a.precision, a.pooled) == (ONNX.name, FLOAT, 0)]
    fitting = [a for a in found if a.graph == "tile"]
    if not fitting and kind == "full" and bundle.manifest.glue.upsample == "none":
        fitting = [a for a in found if a.graph == "full"]
    if not fitting:
        raise InputError(
            f"{bundle.root}: has no float32 ONNX tile graph, which names the layers; export the bundle again with "
            "onnx among --targets, fp32 among --precision and tile in --graph"
        )
    chosen = min(fitting, key=lambda a: a.inside_only)
    model = onnx.load(bundle.model_path(chosen))
    graph = onnx_layer_graph(model)
    return Reference(model, graph, chosen.graph, tuple(layers_of(graph)))


def require_layers(artifact: Artifact, *, exact: bool = False) -> None:
    """Raise an InputError for a file whose inner tensors cannot be read, or not in exact arithmetic."""
    if artifact.pooled:
        raise InputError(f"{artifact.id}: takes means of the whole image beside its tile; compare full graphs")
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
    if exact:
        _require_exact_arithmetic(artifact)


def _require_exact_arithmetic(artifact: Artifact) -> None:
    runtime = runtime_info(artifact.runtimes[0])
    if not runtime.computes_exactly(artifact.precision):
        raise InputError(
            f"{artifact.id}: {runtime.title} has no exact arithmetic for {artifact.precision} files; leave --exact out"
        )


def artifact_tensors(
    bundle: Bundle, artifact: Artifact, reference: Reference, image: FloatArray, *, exact: bool = False
) -> LayerTensors:
    """Run an artifact on an LR image (3,h,w): its layers, and the SR image of a full graph.

    ``exact``: in exact arithmetic; raises an InputError where the runtime has none.
    """
    require_layers(artifact, exact=exact)
    target = TARGETS[artifact.format]
    assert target.open_layers is not None
    require_packages(f"comparing {artifact.id}", target.layer_packages, extra=EXTRA)
    opened = target.open_layers_of.get(artifact.precision, target.open_layers)
    file = opened(bundle.model_path(artifact))
    match = match_layers(file.graph, reference.graph)
    if artifact.graph != reference.kind:
        match.tensors[_FULL_OUTPUT.tensor] = file.graph.output
    return file.tensors(match, image, exact=exact)
