"""The graph whose tensors are looked for in another one: its operations by what they are and what they read."""

from __future__ import annotations

from collections.abc import Sequence

from edgesr.export.graphs.layer_graphs import LayerGraph, Operation
from edgesr.export.graphs.operators import LOOKED_THROUGH

Key = tuple[str, tuple[int, ...] | None, tuple[str, ...]]


class Reference:
    """Every tensor by the one that it is looked through to, its root; operations by kind, weights and roots read.

    ``operations`` without those that are looked through, in order; ``producers``: root -> the operation that gives it.
    """

    def __init__(self, graph: LayerGraph) -> None:
        self.source, self.end = graph.source, graph.output
        self._roots = {graph.source: graph.source}
        self._known: dict[Key, list[Operation]] = {}
        self.operations: list[Operation] = []
        for operation in graph.operations:
            if operation.kind in LOOKED_THROUGH:
                self._roots[operation.output] = self._roots[operation.inputs[0]]
                continue
            self._roots[operation.output] = operation.output
            self.operations.append(operation)
            self._known.setdefault(key(operation, self.inputs(operation)), []).append(operation)
        self.producers = {operation.output: operation for operation in self.operations}
        self.end = self._roots[graph.output]

    def inputs(self, operation: Operation) -> list[str]:
        """The roots that one of its operations reads."""
        return [self._roots[name] for name in operation.inputs]

    def same(self, operation: Operation, inputs: Sequence[str]) -> list[Operation]:
        """The operations that are another graph's operation on these roots."""
        return self._known.get(key(operation, inputs), [])

    def has_layer(self, operation: Operation) -> bool:
        """Whether any of its layers has weights of the shape: where none has, they are a rewrite's own, of a resize."""
        return any(op.function == operation.function for op in self.operations)

    def activation(self, kind: str, root: str) -> str | None:
        """The output of an activation of a root, None where there is none."""
        found = self._known.get((kind, None, (root,)), [])
        return found[0].output if found else None


def key(operation: Operation, inputs: Sequence[str]) -> Key:
    """The key of an operation: an operation of another graph with the same key is the same operation."""
    kind, detail = operation.function
    if detail is None and operation.place:
        detail = (operation.place,)
    return kind, detail, tuple(sorted(inputs))
