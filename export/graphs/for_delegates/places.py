"""Places that a GATHER takes as a row of int32: converters write them in int64, and one place without sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.for_delegates.editing import Editor

_DTYPES = {schema.TensorType.INT32: "<i4", schema.TensorType.INT64: "<i8"}


def use_rows_of_places(editor: Editor) -> None:
    """Give every GATHER at constant places of one side or of none a row of int32."""
    for operator in list(editor.graph.operators):
        if editor.kind(operator) == "GATHER":
            _rewrite(editor, operator)


def _rewrite(editor: Editor, gather: Any) -> None:
    index = int(gather.inputs[1])
    dtype = _DTYPES.get(editor.graph.tensors[index].type)
    places = None if dtype is None else editor.values(index, dtype)
    if places is None or places.ndim > 1 or (places.ndim == 1 and dtype == "<i4"):
        return
    gather.inputs = np.array([gather.inputs[0], editor.constant(places.reshape(-1))], dtype=np.int32)
    if places.ndim == 1:
        return
    target, shape = int(gather.outputs[0]), list(editor.shape(int(gather.inputs[0])))
    shape[gather.builtinOptions.axis] = 1
    row = editor.tensor(target, shape, "row")
    gather.outputs = np.array([row], dtype=np.int32)
    editor.replace(gather, [gather, editor.reshape(row, target)])
