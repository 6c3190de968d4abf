"""All rewrites in front of the converter, in their order."""

from __future__ import annotations

import onnx

from edgesr.export.graphs.depth_to_space import use_dcr_order
from edgesr.export.graphs.for_converter.bicubic import cubic_by_convolution
from edgesr.export.graphs.for_converter.channels_first import use_channels_first
from edgesr.export.graphs.for_converter.constant_ranks import use_full_ranks
from edgesr.export.graphs.for_converter.matrix_forms import use_matrices


def for_converter(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same function of a graph of a fixed size, in operators that onnx2tf converts as they are."""
    for rewrite in (cubic_by_convolution, use_channels_first, use_matrices, use_dcr_order, use_full_ranks):
        model = rewrite(model)
    return model
