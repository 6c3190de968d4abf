"""Weights of convolutions and matrices in float16: ncnn makes float32 of them when it loads the file."""

from __future__ import annotations

import numpy as np

from edgesr.export.ncnn.weights_file import NcnnModel, Stored
from edgesr.runtimes.errors import EdgesrError


def with_half_weights(model: NcnnModel) -> NcnnModel:
    """The same layers with all typed float32 arrays in float16; raises an EdgesrError where one does not fit."""
    return NcnnModel(
        model.layers,
        tuple(
            tuple(_half(stored, layer.name) for stored in arrays)
            for layer, arrays in zip(model.layers, model.arrays, strict=True)
        ),
    )


def _half(stored: Stored, layer: str) -> Stored:
    if not stored.typed or stored.values.dtype != np.float32:
        return stored
    if np.abs(stored.values).max(initial=0.0) > np.finfo(np.float16).max:
        raise EdgesrError(f"weights of layer {layer} do not fit into float16; export fp32")
    return Stored(stored.values.astype(np.float16), typed=True)
