"""float16 ONNX graphs: weights alone (fp16), or arithmetic too (fp16a).

fp16    weights of layers in float16, cast to float32 as the file is loaded: half the size, float32 arithmetic
fp16a   every operator of the tile graph in float16, for GPUs, NPUs and arm64 CPUs with half-precision units; its input
        and output stay float32, and so does the glue around it: noise level, sums of squares, projection and clip

float16 ends at 65504 and has 11 bits, fewer below 6e-5. A graph is refused when a constant or a value does not fit;
weights that are too small to keep their bits stay float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from edgesr.export.calibration.extremes import extreme_tiles
from edgesr.export.graphs.onnx_graph import copied, float_tensors, input_channels, runner, weighted_nodes
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.errors import EdgesrError

LARGEST_FLOAT16 = 65504.0
_PRECISION = 1e-3
_SMALLEST_FLOAT16 = 5.97e-8


def keeps_bits(weights: FloatArray) -> bool:
    """Whether a layer's weights in float16 are off by no more than its 11 bits: most are not too small for it."""
    error = weights.astype(np.float16).astype(np.float64) - weights
    return float(np.square(error).mean()) <= _PRECISION**2 * float(np.square(weights, dtype=np.float64).mean())


def store_weights_in_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose layers' weights are float16 initializers, each with a Cast to float32; int8 ones stay.

    So do those that float16 cannot hold for want of size.
    """
    result = copied(model)
    names = {node.input[1] for node in weighted_nodes(result)}
    casts = []
    for tensor in result.graph.initializer:
        if tensor.name in names and tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            _require_fits(tensor.name, values)
            if not keeps_bits(values):
                continue
            stored = f"{tensor.name}.float16"
            casts.append(helper.make_node("Cast", [stored], [tensor.name], name=f"cast.{stored}", to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = list(result.graph.node)
    del result.graph.node[:], result.graph.value_info[:]
    result.graph.node.extend([*casts, *nodes])
    return result


def convert_arithmetic_to_float16(model: onnx.ModelProto, tiles: Sequence[FloatArray]) -> onnx.ModelProto:
    """A copy that computes in float16 between a float32 input and output; raises an EdgesrError when it would overflow.

    ``tiles`` (c,h,w) are real LR images: every inner value on them, on flat ones and on a checkerboard of black and
    white must fit into float16 too.
    """
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            _require_fits(tensor.name, numpy_helper.to_array(tensor))
    run = runner(model, float_tensors(model))
    extremes = extreme_tiles(input_channels(model), tiles[0].shape[1:])
    for tile in (*tiles, *extremes.values()):
        for name, values in run(tile).items():
            _require_fits(name, values)
    result: onnx.ModelProto = convert_float_to_float16(
        copied(model), keep_io_types=True, min_positive_val=_SMALLEST_FLOAT16, max_finite_val=LARGEST_FLOAT16
    )
    return result


def _require_fits(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= LARGEST_FLOAT16:
        raise EdgesrError(
            f"this graph cannot be computed in float16: {name} reaches {largest:.4g}, float16 ends at "
            f"{LARGEST_FLOAT16:g}; keep sums of squares and large constants in float32, or export fp32"
        )
