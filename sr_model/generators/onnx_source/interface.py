"""The interface of an ONNX file: one image in and one picture out, or one line on why edgesr cannot take it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, ValueInfoProto

from edgesr.runtimes.bundle.manifest import Layout, Size
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import first_names, shown_name

TAKEN = "edgesr takes one image (1,c,h,w) or (1,h,w,c) of float32, float16 or uint8 and one picture of the same kind"
_CHANNELS = (1, 3)
_TYPES: dict[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.UINT8: "uint8",
}


@dataclass(frozen=True, kw_only=True)
class Interface:
    """Names, layouts and types of the image and the picture. ``fixed`` is the one size that the file says it takes."""

    image: str
    picture: str
    image_layout: Layout
    picture_layout: Layout
    dtype: str
    picture_dtype: str
    channels: int | None
    fixed: Size | None


def read_interface(path: Path, model: onnx.ModelProto) -> Interface:
    """The interface of a model; inputs with a value of the same name are no inputs."""
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    for kind, values in (("input", inputs), ("output", list(graph.output))):
        if len(values) != 1:
            named = first_names(value.name for value in values) if values else "none"
            raise InputError(f"{path}: has {len(values)} {kind}s, {named}: {TAKEN}; export it with one")
    image, picture = inputs[0], graph.output[0]
    dtype, picture_dtype = _dtype(path, image), _dtype(path, picture)
    if (dtype == "uint8") != (picture_dtype == "uint8"):
        raise InputError(f"{path}: takes {dtype} and gives {picture_dtype}: {TAKEN}; export it with one type")
    shape, picture_shape = _shape(path, image), _shape(path, picture)
    layout = _layout(shape) or "NCHW"
    channels = None if shape is None else shape[1 if layout == "NCHW" else 3]
    if channels not in (None, *_CHANNELS):
        raise InputError(f"{path}: takes images of {channels} channels: {TAKEN}; give an RGB network")
    if shape is not None and shape[0] not in (None, 1):
        raise InputError(f"{path}: takes {shape[0]} images at once: {TAKEN}; export it with a batch of 1")
    return Interface(
        image=image.name,
        picture=picture.name,
        image_layout=layout,
        picture_layout=_layout(picture_shape) or layout,
        dtype=dtype,
        picture_dtype=picture_dtype,
        channels=channels,
        fixed=_fixed(shape, layout),
    )


def _dtype(path: Path, value: ValueInfoProto) -> str:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise InputError(f"{path}: {shown_name(value.name)} is a {str(kind).removesuffix('_type')}: {TAKEN}")
    number = value.type.tensor_type.elem_type
    if number not in _TYPES:
        named = TensorProto.DataType.Name(number).lower() if number in TensorProto.DataType.values() else str(number)
        raise InputError(f"{path}: {shown_name(value.name)} is of type {named}: {TAKEN}")
    return _TYPES[number]


def _shape(path: Path, value: ValueInfoProto) -> tuple[int | None, ...] | None:
    """Sides, None for those that are not fixed; None as a whole where the file says nothing."""
    if not value.type.tensor_type.HasField("shape"):
        return None
    dims = value.type.tensor_type.shape.dim
    if len(dims) != 4:
        raise InputError(f"{path}: {shown_name(value.name)} has {len(dims)} dimensions: {TAKEN}")
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims)


def _layout(shape: tuple[int | None, ...] | None) -> Layout | None:
    if shape is None:
        return None
    if shape[1] in _CHANNELS:
        return "NCHW"
    return "NHWC" if shape[3] in _CHANNELS else "NCHW" if shape[1] is not None else None


def _fixed(shape: tuple[int | None, ...] | None, layout: Layout) -> Size | None:
    if shape is None:
        return None
    height, width = shape[2:] if layout == "NCHW" else shape[1:3]
    if height is None and width is None:
        return None
    return height or width or 0, width or height or 0
