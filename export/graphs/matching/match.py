"""Pairs of tensors of a rewritten or converted graph and of the float32 ONNX graph.

Matched by structure alone: an operator of the same kind on the same tensors, a layer with weights of the same shape
too. Weights and names do not count, so that a file with a wrong weight, or with quantized ones, is matched as any
other. What rewrites add, leave out or fold into weights is looked through: quantization, casts, pads, constant factors,
and so is what converters add to order values otherwise. Where a converter writes an operator as several others, the
graphs are taken up again behind it (`bridges`).
"""

from __future__ import annotations

from edgesr.export.graphs.layer_graphs import LayerGraph, Match, Operation
from edgesr.export.graphs.matching.bridges import Sources, bridge, computed_from
from edgesr.export.graphs.matching.carriers import carrier, equals, is_clipped_by_quantizers, readers_behind
from edgesr.export.graphs.matching.reference import Reference
from edgesr.export.graphs.operators import DEPTH_TO_SPACE, LAYOUT, LOOKED_THROUGH, PAD
from edgesr.export.graphs.walk import needed_for
from edgesr.runtimes.errors import EdgesrError


def match_layers(graph: LayerGraph, reference: LayerGraph) -> Match:
    """Pair the tensors of a tile graph, or of a full graph with the same body, with those of the float32 ONNX graph.

    Raises an EdgesrError when the reference's output is not among them: then the body could not be followed to its end.
    """
    known = Reference(reference)
    found, end = _Walk(graph, known).match(), known.end
    if end not in found.tensors:
        last = list(found.tensors)[-1] if found.tensors else "the input"
        raise EdgesrError(
            f"the graph is not that of the float32 ONNX tile graph: after {last} no operator is the same; "
            "export both artifacts from one checkpoint; layers of a network of your own cannot always be followed, "
            "edgesr parity compares its pictures"
        )
    body = _body(graph, found.tensors[end])
    walk = _Walk(body, known)
    found = walk.match()
    found.doubtful = {
        root
        for root, tensor in found.tensors.items()
        if walk.is_read_in_pieces(tensor) or is_clipped_by_quantizers(body, tensor)
    }
    for root, tensor in found.tensors.items():
        found.others[root] = (*equals(body, walk.roots, root, tensor), *found.others.get(root, ()))
    found.tensors = {root: carrier(body, tensor) for root, tensor in found.tensors.items()}
    return found


def _body(graph: LayerGraph, end: str) -> LayerGraph:
    """The operations that a tensor is computed from, and what is looked through: a full graph may upsample twice."""
    needed = needed_for([end], {operation.output: operation.inputs for operation in graph.operations})
    kept = tuple(op for op in graph.operations if op.output in needed or op.kind in LOOKED_THROUGH)
    return LayerGraph(graph.source, graph.output, kept)


class _Walk:
    """Through a graph in its order. ``roots``: tensor -> the one of the reference that it is.

    ``_parts``: tensor of which no more is known than which of the reference's it is computed from, alone -> these.
    ``_ordered``: tensor whose values are only padded or ordered otherwise -> the one that they come from.
    """

    def __init__(self, graph: LayerGraph, reference: Reference) -> None:
        self._graph, self._reference = graph, reference
        self.roots = {graph.source: reference.source}
        self._parts: dict[str, Sources] = {}
        self._match = Match()
        self._ordered: dict[str, str] = {}

    def match(self) -> Match:
        """Walk to the end."""
        for operation in self._graph.operations:
            if operation.kind in LOOKED_THROUGH:
                self._pass_on(operation)
            elif (same := self._same(operation)) is not None:
                self._record(operation, same)
            else:
                self._bridge(operation)
        self._close()
        return self._match

    def is_read_in_pieces(self, tensor: str) -> bool:
        """Whether all that reads a tensor has no counterpart: its constants may be in the weights of what gives it."""
        readers = readers_behind(self._graph, tensor)
        return bool(readers) and all(reader.output in self._parts for reader in readers)

    def _pass_on(self, operation: Operation) -> None:
        source = operation.inputs[0]
        if operation.kind in (LAYOUT, PAD):
            self._ordered[operation.output] = self._ordered.get(source, source)
        if source in self.roots:
            self.roots[operation.output] = self.roots[source]
        elif source in self._parts:
            self._parts[operation.output] = self._parts[source]

    def _same(self, operation: Operation) -> Operation | None:
        """The operation of the reference that reads the same tensors."""
        inputs = [self.roots.get(name, "") for name in operation.inputs]
        same = self._reference.same(operation, inputs)
        if not same:
            return None
        chosen = next((op for op in same if op.output not in self._match.tensors), same[-1])
        if chosen.kind == DEPTH_TO_SPACE and operation.block_major != chosen.block_major:
            self._match.block_major[inputs[0]] = operation.block_size
        return chosen

    def _bridge(self, operation: Operation) -> None:
        """Take a graph up again behind what is unknown; what is computed from known tensors alone is so too."""
        sources = [self._sources(name) for name in operation.inputs]
        if not all(sources):
            return
        bridged = bridge(operation, sources, self._reference, self._match.tensors)
        if bridged is not None:
            same, inputs = bridged
            for name, known in zip(operation.inputs, inputs, strict=True):
                if known not in (self.roots.get(name), self._reference.source):
                    self._read_as(name, known)
            self._record(operation, same)
        elif operation.weight_shape is None or not self._reference.has_layer(operation):
            self._parts[operation.output] = frozenset().union(*sources)

    def _read_as(self, name: str, known: str) -> None:
        """One operation reads a tensor here and a known one there: it is that, or that was found too early."""
        same = (name, self._ordered.get(name, name))
        self._match.others[known] = (*self._match.others.get(known, ()), *same)
        if known not in self._match.tensors:
            self._match.tensors[known], self.roots[name] = name, known

    def _sources(self, tensor: str) -> Sources:
        if tensor in self.roots:
            return frozenset([self.roots[tensor]])
        return self._parts.get(tensor, frozenset())

    def _record(self, operation: Operation, same: Operation) -> None:
        """An operation is one of the reference; its output is that of the activation after it, where this is fused."""
        output: str | None = same.output
        if operation.activation is not None:
            output = self._reference.activation(operation.activation, same.output)
        self._match.operations[operation.output] = same.output
        if output is None:
            self._parts[operation.output] = frozenset([same.output])
            return
        self.roots[operation.output] = output
        self._match.tensors[output] = operation.output

    def _close(self) -> None:
        """The graph's output is the reference's, where it is computed from the same tensors."""
        end, output = self._reference.end, self._graph.output
        sources = self._sources(output)
        if end not in self._match.tensors and computed_from(end, sources, self._reference, self._match.tensors):
            self._match.tensors[end] = output
