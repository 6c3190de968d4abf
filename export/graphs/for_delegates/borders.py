"""Pads that mirror an image with its border, by slices and concatenations: delegates on GPUs know REFLECT alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.for_delegates.editing import Editor


def slice_borders(editor: Editor) -> None:
    """Write every SYMMETRIC pad as its rows and columns, next to the image; the file can be resized as before."""
    symmetric = schema.MirrorPadMode.SYMMETRIC
    for operator in list(editor.graph.operators):
        if editor.kind(operator) == "MIRROR_PAD" and operator.builtinOptions.mode == symmetric:
            _replace(editor, operator)


def _replace(editor: Editor, pad: Any) -> None:
    pads = editor.values(int(pad.inputs[1]))
    source, target = int(pad.inputs[0]), int(pad.outputs[0])
    if pads is None:
        return
    if not pads.any():
        editor.replace(pad, [editor.reshape(source, target)])
        return
    padded = [axis for axis, sides in enumerate(pads.tolist()) if any(sides)]
    made: list[Any] = []
    for axis in padded:
        before, after = (int(count) for count in pads[axis])
        slices = [
            _line(editor, source, axis, place) for place in (*range(before - 1, -1, -1), *range(-1, -after - 1, -1))
        ]
        shape = list(editor.shape(source))
        shape[axis] += before + after
        result = target if axis == padded[-1] else editor.tensor(source, shape, "padded")
        lines = [int(one.outputs[0]) for one in slices]
        options = schema.ConcatenationOptionsT(axis=axis)
        inputs = [*lines[:before], source, *lines[before:]]
        made += [*slices, editor.operator("CONCATENATION", inputs, result, options)]
        source = result
    editor.replace(pad, made)


def _line(editor: Editor, source: int, axis: int, place: int) -> Any:
    """The STRIDED_SLICE of one row or column, counted from the end where it is negative."""
    shape = list(editor.shape(source))
    rank, shape[axis] = len(shape), 1
    begin, end = np.zeros(rank, dtype=np.int32), np.zeros(rank, dtype=np.int32)
    begin[axis], end[axis] = place, place + 1
    others = (1 << rank) - 1 - (1 << axis)
    last = others | (1 << axis) if place == -1 else others
    options = schema.StridedSliceOptionsT(beginMask=others, endMask=last)
    inputs = [source, editor.constant(begin), editor.constant(end), editor.constant([1] * rank)]
    return editor.operator("STRIDED_SLICE", inputs, editor.tensor(source, shape, "line"), options)
