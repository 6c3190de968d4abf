"""Two graphs whose layers cannot be matched."""

from __future__ import annotations

import pytest

from edgesr.export.graphs.layer_graphs import LayerGraph, Operation
from edgesr.export.graphs.matching.match import match_layers
from edgesr.export.graphs.operators import CONVOLUTION
from edgesr.runtimes.errors import EdgesrError


def test_a_graph_that_cannot_be_followed_is_told() -> None:
    convolution = Operation(kind=CONVOLUTION, inputs=("x",), output="y", weight_shape=(3, 3, 3, 3))
    reference = LayerGraph("x", "y", (convolution,))
    with pytest.raises(EdgesrError, match=r"after the input no operator is the same.* edgesr parity compares its"):
        match_layers(LayerGraph("x", "y", ()), reference)
    assert match_layers(reference, reference).tensors.keys() == {"y"}
