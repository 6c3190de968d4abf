"""Parts of a tensor taken as delegates know it: at a row of int32 places, with all sides kept.

Converters write the places of a GATHER in int64, and take a part at one place without its side. Slices that add
sides, or whose ends count from their beginnings (``offset``), are left as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgesr.export.graphs.for_delegates.editing import Editor


def keep_sides(editor: Editor) -> None:
    """Give every GATHER at constant places a row of int32, and let slices keep their sides; a RESHAPE drops them."""
    for operator in list(editor.graph.operators):
        kind = editor.kind(operator)
        if kind == "GATHER":
            _gather(editor, operator)
        elif kind == "STRIDED_SLICE" and operator.builtinOptions.shrinkAxisMask:
            _slice(editor, operator)


def _gather(editor: Editor, gather: Any) -> None:
    places = editor.values(int(gather.inputs[1]))
    if places is None or places.ndim > 1 or (places.ndim == 1 and places.dtype == np.int32):
        return
    gather.inputs = np.array([gather.inputs[0], editor.constant(places.reshape(-1))], dtype=np.int32)
    if places.ndim == 0:
        shape = list(editor.shape(int(gather.inputs[0])))
        shape[gather.builtinOptions.axis] = 1
        _drop_sides(editor, gather, shape)


def _slice(editor: Editor, operator: Any) -> None:
    """Take places whose sides are dropped as ranges of one, as LiteRT does: from 0 where ``beginMask`` says so."""
    source, options = int(operator.inputs[0]), operator.builtinOptions
    begin, end, strides = (editor.values(int(index)) for index in operator.inputs[1:4])
    shape, left = list(editor.shape(source)), list(editor.shape(int(operator.outputs[0])))
    if begin is None or end is None or strides is None or options.ellipsisMask or options.newAxisMask or options.offset:
        return
    axes = [axis for axis in range(len(begin)) if options.shrinkAxisMask >> axis & 1]
    if not all(strides[axis] > 0 and -shape[axis] <= begin[axis] < shape[axis] for axis in axes):
        return
    ends = end.copy()
    for axis in range(len(shape)):
        shape[axis] = 1 if axis in axes else left.pop(0)
    for axis in axes:
        start = 0 if options.beginMask >> axis & 1 else int(begin[axis])
        ends[axis] = start + 1
        options.endMask &= ~(1 << axis)
        if start == -1:
            options.endMask |= 1 << axis
    options.shrinkAxisMask = 0
    inputs = [source, operator.inputs[1], editor.constant(ends), operator.inputs[3]]
    operator.inputs = np.array(inputs, dtype=np.int32)
    _drop_sides(editor, operator, shape)


def _drop_sides(editor: Editor, operator: Any, shape: list[int]) -> None:
    """Let an operator give a tensor of that shape, which a RESHAPE brings to the shape that it gave before."""
    target = int(operator.outputs[0])
    whole = editor.tensor(target, shape, "whole")
    operator.outputs = np.array([whole], dtype=np.int32)
    editor.replace(operator, [operator, editor.reshape(whole, target)])
