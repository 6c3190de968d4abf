"""Small ncnn models, written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgesr.export.ncnn.param_file import ParamLayer
from edgesr.export.ncnn.weights_file import NcnnModel, Stored, write_model
from edgesr.runtimes.arrays import FloatArray


def layer(
    kind: str, inputs: tuple[str, ...], outputs: tuple[str, ...], parameters: dict[int, object] | None = None
) -> ParamLayer:
    """A layer that is called by its output."""
    written = {key: str(value) for key, value in (parameters or {}).items()}
    return ParamLayer(kind=kind, name=outputs[0], inputs=inputs, outputs=outputs, parameters=written)


def convolution(
    weights: FloatArray, bias: FloatArray | None, *, groups: int = 1, names: tuple[str, str] = ("in0", "out0")
) -> tuple[ParamLayer, tuple[Stored, ...]]:
    """A convolution with weights (out,in,k,k) that keeps the size; of several groups in/groups."""
    outputs, _, height, width = weights.shape
    parameters: dict[int, object] = {0: outputs, 1: width, 4: height // 2, 5: int(bias is not None), 6: weights.size}
    kind = "Convolution"
    if groups > 1:
        kind, parameters = "ConvolutionDepthWise", {**parameters, 7: groups}
    arrays = (Stored(weights.ravel(), typed=True), *([] if bias is None else [Stored(bias)]))
    return layer(kind, names[:1], names[1:], parameters), arrays


def model(*layers: tuple[ParamLayer, tuple[Stored, ...]], channels: int = 3) -> NcnnModel:
    """Layers behind an input ``in0``."""
    given = layer("Input", (), ("in0",), {2: channels})
    return NcnnModel((given, *(one for one, _ in layers)), ((), *(arrays for _, arrays in layers)))


def seeded(seed: int, *shape: int) -> FloatArray:
    """Values around 0."""
    return np.random.default_rng(seed).normal(0, 0.2, shape).astype(np.float32)


def written(folder: Path, content: NcnnModel) -> Path:
    """The .param file of a model in a folder."""
    write_model(folder / "model.param", content)
    return folder / "model.param"
