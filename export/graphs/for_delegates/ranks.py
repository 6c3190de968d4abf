"""Operators on tensors of more than four dimensions, written on tensors of at most four.

Most of them only look at their tensors in another shape: between two RESHAPEs they compute the same on fewer axes. A
RESHAPE of a RESHAPE is then one, and no tensor of more dimensions is left between them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.for_delegates.block_moves import moves
from edgesr.export.graphs.for_delegates.editing import Editor
from edgesr.runtimes.delegates.links import MOST_DIMENSIONS, ON_EVERY_ELEMENT, ON_LAST_AXIS


def lower_ranks(editor: Editor) -> None:
    """Rewrite what can be; transposes and operators on every element or on the last axis alone."""
    for operator in list(editor.graph.operators):
        if _rank(editor, operator) > MOST_DIMENSIONS:
            _rewrite(editor, operator)
    merge_reshapes(editor)
    _lower_versions(editor)


def merge_reshapes(editor: Editor) -> None:
    """Let a RESHAPE of a RESHAPE read what that one reads; leave out what nothing reads and what changes no shape."""
    producers = editor.producers()
    for operator in [one for one in editor.graph.operators if editor.kind(one) == "RESHAPE"]:
        source = int(operator.inputs[0])
        while source in producers and editor.kind(producers[source]) == "RESHAPE":
            source = int(producers[source].inputs[0])
        operator.inputs[0] = source
    _leave_out_equal(editor)
    while idle := _idle(editor):
        for operator in idle:
            editor.replace(operator, ())


def _rank(editor: Editor, operator: Any) -> int:
    return max(len(editor.shape(int(index))) for index in (*operator.inputs, *operator.outputs) if index >= 0)


def _rewrite(editor: Editor, operator: Any) -> None:
    kind = editor.kind(operator)
    if kind == "TRANSPOSE":
        _transpose(editor, operator)
    elif kind in ON_LAST_AXIS or (kind in ON_EVERY_ELEMENT and _is_one_by_one(editor, operator)):
        _on_rows(editor, operator)


def _transpose(editor: Editor, operator: Any) -> None:
    source, target = int(operator.inputs[0]), int(operator.outputs[0])
    permutation = editor.values(int(operator.inputs[1]))
    if permutation is None:
        return
    made = []
    for move in moves(editor.shape(source), permutation.tolist()):
        ones = MOST_DIMENSIONS - len(move.shape)
        shape = [*[1] * ones, *move.shape]
        axes = [*range(ones), *(axis + ones for axis in move.permutation)]
        seen = editor.tensor(target, shape, "seen")
        moved = editor.tensor(target, [shape[axis] for axis in axes], "moved")
        made += [
            editor.reshape(source, seen),
            editor.operator("TRANSPOSE", [seen, editor.constant(axes)], moved, schema.TransposeOptionsT()),
        ]
        source = moved
    editor.replace(operator, [*made, editor.reshape(source, target)])


def _lower_versions(editor: Editor) -> None:
    """The converter gives all transposes of a file the version that the one of most dimensions needs."""
    for operator in [one for one in editor.graph.operators if editor.kind(one) == "TRANSPOSE"]:
        if _rank(editor, operator) <= MOST_DIMENSIONS and editor.is_float(int(operator.inputs[0])):
            operator.opcodeIndex = editor.code("TRANSPOSE")


def _is_one_by_one(editor: Editor, operator: Any) -> bool:
    """Whether all its tensors have one shape, constants of one element aside."""
    target = editor.shape(int(operator.outputs[0]))
    shapes = [editor.shape(int(index)) for index in operator.inputs]
    return all(shape == target or math.prod(shape) == 1 for shape in shapes)


def _on_rows(editor: Editor, operator: Any) -> None:
    """Put the operator between RESHAPEs of its tensors of many dimensions to images of one row."""
    before, after = [], []
    inputs = [int(index) for index in operator.inputs]
    for place, index in enumerate(inputs):
        if index < 0 or len(editor.shape(index)) <= MOST_DIMENSIONS:
            continue
        if editor.values(index) is not None:
            inputs[place] = editor.constant_as(index, _as_row(editor.shape(index)))
            continue
        inputs[place] = editor.tensor(index, _as_row(editor.shape(index)), "seen")
        before.append(editor.reshape(index, inputs[place]))
    target = int(operator.outputs[0])
    if len(editor.shape(target)) > MOST_DIMENSIONS:
        result = editor.tensor(target, _as_row(editor.shape(target)), "seen")
        operator.outputs = np.array([result], dtype=np.int32)
        after.append(editor.reshape(result, target))
    operator.inputs = np.array(inputs, dtype=np.int32)
    editor.replace(operator, [*before, operator, *after])


def _as_row(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The delegate takes the first side for a batch, and is built for batches of one."""
    return 1, 1, math.prod(shape[:-1]), shape[-1]


def _leave_out_equal(editor: Editor) -> None:
    """Readers of a RESHAPE to the shape that a tensor has read that tensor."""
    same = {
        int(operator.outputs[0]): int(operator.inputs[0])
        for operator in editor.graph.operators
        if editor.kind(operator) == "RESHAPE"
        and editor.shape(int(operator.inputs[0])) == editor.shape(int(operator.outputs[0]))
    }
    for operator in editor.graph.operators:
        operator.inputs = np.array([same.get(int(index), int(index)) for index in operator.inputs], dtype=np.int32)


def _idle(editor: Editor) -> list[Any]:
    read = editor.read_counts()
    reshapes = (operator for operator in editor.graph.operators if editor.kind(operator) == "RESHAPE")
    return [operator for operator in reshapes if not read[int(operator.outputs[0])]]
