"""Inner tensors of ONNX files as OpenVINO computes them in a precision that ONNX Runtime has not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx

from edgesr.export.graphs.layer_graphs import LayeredFile, LayerGraph, LayerTensors, Match
from edgesr.export.graphs.onnx_layers import onnx_layer_graph, values_by_match
from edgesr.runtimes.adapters import openvino
from edgesr.runtimes.adapters.registry import require_usable
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Precision
from edgesr.runtimes.interface.runtime import RunSettings


@dataclass(frozen=True)
class _OpenVinoLayers:
    path: Path
    precision: Precision
    graph: LayerGraph

    def tensors(self, match: Match, image: FloatArray, *, exact: bool) -> LayerTensors:  # noqa: ARG002
        names = sorted({tensor for name in match.tensors for tensor in match.candidates(name)})
        given = [name for name in names if name == self.graph.source]
        computed = [name for name in names if name != self.graph.source]
        settings = RunSettings(precision=self.precision)
        found = openvino.inner_tensors(self.path, image[None], computed, settings)
        values = values_by_match(match, {**found, **dict.fromkeys(given, image[None])})
        return LayerTensors(frozenset(values), values.__getitem__, frozenset(match.doubtful))


def open_openvino_layers(path: Path, precision: Precision) -> LayeredFile:
    """A float32 ONNX file whose tensors OpenVINO computes in ``precision``; raises a MissingPackageError without
    OpenVINO.
    """
    require_usable(openvino.RUNTIME)
    return _OpenVinoLayers(path, precision, onnx_layer_graph(onnx.load(path)))
