"""Values of a network's layers as PyTorch computed them at export, and those of a file in the same form."""

from __future__ import annotations

from collections.abc import Mapping

from edgesr.export.diff.alignment import aligned, relative_rms
from edgesr.export.diff.layer_tensors import Reference
from edgesr.export.graphs.layer_graphs import LayerTensors
from edgesr.export.graphs.onnx_graph import runner
from edgesr.export.graphs.onnx_layers import without_batch
from edgesr.export.graphs.operators import ADD, LAYERS
from edgesr.export.graphs.walk import needed_for
from edgesr.export.recorded_values import sampled
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Golden
from edgesr.runtimes.bundle.opening import Bundle

_RECORDED_ERROR = 1e-3


def against_pytorch(
    bundle: Bundle, golden: Golden, reference: Reference, tensors: LayerTensors, limit: float
) -> tuple[LayerTensors, LayerTensors, tuple[str, ...]]:
    """The tensors of a file, what PyTorch computed at export, and names of recorded modules that no tensor of files is.

    Modules were recorded, and the picture. Of a user's network samples were recorded: both are samples then.
    """
    computed = _computed(bundle, golden, reference)
    found = _tensors_of_modules(bundle, golden, computed, reference)
    recorded = {tensor: bundle.tensor(golden.intermediates[module]) for module, tensor in found.items()}
    recorded[reference.layers[-1].tensor] = bundle.tensor(
        golden.residual if reference.kind == "tile" else golden.output
    )

    def read(name: str) -> tuple[FloatArray, ...]:
        ordered = [aligned(values, computed[name], limit) for values in tensors.read(name)]
        fitting = [_as_recorded(values, recorded[name]) for values in ordered if values is not None]
        return tuple(values for values in fitting if values is not None)

    names = frozenset(name for name in recorded if name in tensors.names and read(name))
    expected = LayerTensors(frozenset(recorded), lambda name: (recorded[name],))
    missing = tuple(name for name in golden.intermediates if name not in found)
    return LayerTensors(names, read, tensors.doubtful), expected, missing


def _computed(bundle: Bundle, golden: Golden, reference: Reference) -> dict[str, FloatArray]:
    """The values of the layers that the float32 ONNX graph computes."""
    run = runner(reference.model, [layer.tensor for layer in reference.layers])
    return {name: without_batch(values) for name, values in run(bundle.tensor(golden.input)).items()}


def _tensors_of_modules(
    bundle: Bundle, golden: Golden, computed: Mapping[str, FloatArray], reference: Reference
) -> dict[str, str]:
    """Module -> the tensor of the float32 ONNX graph that is its output: that with its size and the nearest values.

    Where none is near, the graph may be the faulty file: then it is the module's by name. It has none where a tensor
    that is computed from that one is near another module: a constant was folded into the module's weights.
    """
    near: dict[str, str] = {}
    for module, entry in golden.intermediates.items():
        found = _nearest(bundle.tensor(entry), computed)
        if found is not None:
            near[module] = found
    behind = needed_for(near.values(), {op.output: op.inputs for op in reference.graph.operations})
    named = {module: _named(module, reference) for module in golden.intermediates if module not in near}
    return near | {module: tensor for module, tensor in named.items() if tensor is not None and tensor not in behind}


def _nearest(recorded: FloatArray, computed: Mapping[str, FloatArray]) -> str | None:
    errors: dict[str, float] = {}
    for name, values in computed.items():
        same = _as_recorded(values, recorded)
        if same is not None:
            errors[name] = relative_rms(same, recorded)
    best = min(errors, key=lambda name: errors[name], default=None)
    return best if best is not None and errors[best] < _RECORDED_ERROR else None


def _named(module: str, reference: Reference) -> str | None:
    """The layer of a module, or the last layer or sum of those inside it."""
    layers = [layer for layer in reference.layers if layer.operator in LAYERS and layer.layer == module]
    inside = [
        layer for layer in reference.layers if layer.operator in (*LAYERS, ADD) and layer.layer.startswith(f"{module}.")
    ]
    return next((layer.tensor for layer in reversed(layers or inside)), None)


def _as_recorded(values: FloatArray, recorded: FloatArray) -> FloatArray | None:
    """A tensor in the form of a recorded one, None where it has another size."""
    if values.shape == recorded.shape:
        return values
    sample = sampled(values)
    return sample if sample.shape == recorded.shape else None
