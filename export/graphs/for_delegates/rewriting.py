"""All rewrites for the GPU delegate, each kept where its list refuses less of the file afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from edgesr.export.graphs.for_delegates.borders import slice_borders
from edgesr.export.graphs.for_delegates.clips import clip_in_two
from edgesr.export.graphs.for_delegates.editing import Editor
from edgesr.export.graphs.for_delegates.indices import keep_sides
from edgesr.export.graphs.for_delegates.ranks import lower_ranks
from edgesr.runtimes.delegates.gpu import GPU
from edgesr.runtimes.delegates.rules import refusals
from edgesr.runtimes.delegates.tflite_file import graph_operators

REWRITES: tuple[Callable[[Editor], None], ...] = (lower_ranks, keep_sides, slice_borders, clip_in_two)


def for_gpu(model: Any) -> Any:
    """A model (`read_tflite`) of the same values of which the GPU delegate's list refuses less, or the model itself."""
    for rewrite in REWRITES:
        candidate = copy.deepcopy(model)
        rewrite(Editor(candidate))
        if _refused(candidate) < _refused(model):
            model = candidate
    return model


REWRITTEN_FOR: Mapping[str, Callable[[Any], Any]] = {"gpu": for_gpu}
"""By the name of a delegate."""


def _refused(model: Any) -> int:
    return refusals(GPU, graph_operators(model)).count
