"""RELU_0_TO_1 as RELU and MINIMUM: the operator is younger than the others, and delegates lack it."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.for_delegates.editing import Editor


def clip_in_two(editor: Editor) -> None:
    """Write max(x, 0) and then min(x, 1) in the place of every RELU_0_TO_1."""
    for operator in list(editor.graph.operators):
        if editor.kind(operator) == "RELU_0_TO_1":
            source, target = int(operator.inputs[0]), int(operator.outputs[0])
            positive = editor.tensor(source, editor.shape(source), "positive")
            one = editor.constant(np.float32(1), "<f4")
            smaller = editor.operator("MINIMUM", [positive, one], target, schema.MaximumMinimumOptionsT())
            editor.replace(operator, [editor.operator("RELU", [source], positive), smaller])
