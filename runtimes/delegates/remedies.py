"""The rewrites of ``edgesr export --delegate gpu``, by the operators that they take away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from edgesr.runtimes.delegates.links import MOST_DIMENSIONS, Links, has_many_dimensions, is_written_in_fewer
from edgesr.runtimes.delegates.operators import Operator, Tensor

SYMMETRIC = 1
"""Mode of a MIRROR_PAD that repeats the border."""

Others = tuple[Operator, ...]
Rewrite = Callable[[Operator, Links], Others | None]
"""An operator and what is around it -> operators in its place, as far as lists look at them; None where it stays."""

_OLD_TRANSPOSE = 4
_NUMBERS = ("float32", "float16", "int8", "int16", "uint8")
"""Types that float32 becomes in files of lower precision; these are rewritten in float32."""


def remedy_for(operator: Operator, links: Links, why_refused: Callable[[Operator], str]) -> str:
    """The export option that leaves out this operator; "" if no rewrite applies, or if its result is refused too."""
    if any(None in tensor.shape for tensor in operator.tensors):
        return ""
    for rewrite, what in _REWRITES:
        others = rewrite(operator, links)
        if others is not None and not any(why_refused(other) for other in others):
            return f"--delegate gpu: {what}"
    return ""


def _in_few_dimensions(operator: Operator, links: Links) -> Others | None:
    if not has_many_dimensions(operator):
        late = operator.kind == "TRANSPOSE" and operator.version > _OLD_TRANSPOSE
        return (replace(operator, version=1),) if late and operator.inputs[0].dtype in _NUMBERS else None
    if links.goes_away(operator):
        return ()
    if not is_written_in_fewer(operator) or not links.are_ends_rewritten(operator):
        return None
    inputs, outputs = (tuple(_as_row(tensor) for tensor in some) for some in (operator.inputs, operator.outputs))
    version = 1 if operator.kind == "TRANSPOSE" else operator.version
    return (replace(operator, inputs=inputs, outputs=outputs, version=version),)


def _as_row(tensor: Tensor) -> Tensor:
    if tensor.rank <= MOST_DIMENSIONS:
        return tensor
    last = tensor.shape[-1] or 1
    return replace(tensor, shape=(1, 1, math.prod(side or 1 for side in tensor.shape[:-1]), last))


def _border_by_slices(operator: Operator, _: Links) -> Others | None:
    repeats = operator.kind == "MIRROR_PAD" and operator.options.get("mode") == SYMMETRIC
    if not repeats or has_many_dimensions(operator) or not operator.inputs[1].constant:
        return None
    line = replace(operator.outputs[0], name="")
    slices = replace(operator, kind="STRIDED_SLICE", options={}, outputs=(line,))
    return (slices, Operator(kind="CONCATENATION", inputs=(operator.inputs[0], line), outputs=operator.outputs))


def _clip_in_two(operator: Operator, _: Links) -> Others | None:
    if operator.kind != "RELU_0_TO_1" or has_many_dimensions(operator):
        return None
    one = Tensor(shape=(), dtype=operator.inputs[0].dtype, constant=True)
    minimum = replace(operator, kind="MINIMUM", inputs=(operator.outputs[0], one))
    return (replace(operator, kind="RELU"), minimum)


def _row_of_places(operator: Operator, _: Links) -> Others | None:
    if operator.kind != "GATHER" or has_many_dimensions(operator):
        return None
    image, places = operator.inputs[:2]
    is_row = places.rank == 1 and places.dtype == "int32"
    if not places.constant or places.rank > 1 or is_row:
        return None
    row = replace(places, shape=(places.size,), dtype="int32")
    return _and_reshape(replace(operator, inputs=(image, row)), drops=places.rank == 0)


def _slice_keeps_sides(operator: Operator, _: Links) -> Others | None:
    if not operator.options.get("shrinkAxisMask") or operator.kind != "STRIDED_SLICE" or has_many_dimensions(operator):
        return None
    others = any(operator.options.get(name) for name in ("ellipsisMask", "newAxisMask", "offset"))
    if others or not all(tensor.constant for tensor in operator.inputs[1:4]):
        return None
    return _and_reshape(replace(operator, options={**operator.options, "shrinkAxisMask": 0}), drops=True)


def _and_reshape(operator: Operator, *, drops: bool) -> Others:
    reshape = replace(operator, kind="RESHAPE", version=1, options={}, inputs=operator.outputs)
    return (operator, reshape) if drops else (operator,)


_REWRITES: tuple[tuple[Rewrite, str], ...] = (
    (_in_few_dimensions, "written in at most 4 dimensions"),
    (_border_by_slices, "the border by slices"),
    (_clip_in_two, "RELU and MINIMUM"),
    (_row_of_places, "indices as a row of int32"),
    (_slice_keeps_sides, "a slice that keeps its sides, and a RESHAPE"),
)
