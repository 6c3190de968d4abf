"""An ONNX file -> the archive that all later stages read: its graph in our units, proven by the file itself."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import onnx
import torch
from torch import Tensor, nn

from edgesr.runtimes.adapters import ort
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.sr_model.generators.foreign.archive import CONTRACT, MODEL, WHY_NO_TRACE
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.one_line import in_one_line
from edgesr.sr_model.generators.foreign.probe import as_seen, probe
from edgesr.sr_model.generators.foreign.units import InOurUnits
from edgesr.sr_model.generators.onnx_source.any_size import continued, why_not_any_size
from edgesr.sr_model.generators.onnx_source.given_file import GivenFile
from edgesr.sr_model.generators.onnx_source.in_our_units import in_our_units
from edgesr.sr_model.generators.onnx_source.interface import Interface, read_interface
from edgesr.sr_model.generators.onnx_source.opsets import OPSET, in_our_opset
from edgesr.sr_model.generators.onnx_source.picture import OnnxPicture
from edgesr.sr_model.generators.onnx_source.reading import opset_of, read_model
from edgesr.sr_model.generators.onnx_source.standard_form import standard_form

_NO_TRACE = "it is made from PyTorch, and this is an ONNX file"
_SIZES = ((41, 58), (40, 56), (33, 47), (81, 57))
_SAME = 0.01
_BYTES_PEAK = 255

Network = TypeVar("Network", bound=nn.Module)


def wrap(
    path: Path,
    archive: Path,
    photograph: Tensor,
    *,
    name: str,
    data_files: Iterable[str],
    peak: int | None,
    multiple: int | None,
    colour: Colour | None,
) -> list[str]:
    """Write the archive; what was found, in words. ``photograph``: (1,3,h,w) in [0,255]."""
    given = read_model(path, data_files)
    interface = read_interface(path, given)
    file = _opened(path, lambda: GivenFile(given, interface))
    model, notes, more_precise = standard_form(path, given, interface)
    network = _opened(path, lambda: OnnxPicture(model))
    contract, doubts = _probed(path, name, network, interface, photograph, peak, multiple, colour)
    picture = InOurUnits(network, contract).eval()
    photograph = as_seen(photograph, contract.colour)
    if interface.fixed is not None:
        notes.append(_made_for_any_size(path, picture, contract, interface.fixed, photograph))
    images = _images(contract, interface, photograph)
    wrapped, told = _proven(path, model, picture, contract, images)
    if not more_precise:
        unpadded = contract if interface.fixed is None else replace(contract, multiple=1)
        _require_given(path, OnnxPicture(wrapped), file, unpadded, images)
    _save(archive, wrapped, contract)
    return [*notes, *told, *doubts]


def _save(archive: Path, wrapped: onnx.ModelProto, contract: Contract) -> None:
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr(CONTRACT, json.dumps(dataclasses.asdict(contract), sort_keys=True))
        content.writestr(MODEL, wrapped.SerializeToString(deterministic=True))
        content.writestr(WHY_NO_TRACE, _NO_TRACE)


def _opened(path: Path, network: Callable[[], Network]) -> Network:
    """A network of which ONNX Runtime opens the graph, which checks it."""
    try:
        return network()
    except EdgesrError as error:
        raise InputError(f"{path}: {error}; export it again") from error


def _probed(
    path: Path,
    name: str,
    network: nn.Module,
    interface: Interface,
    photograph: Tensor,
    peak: int | None,
    multiple: int | None,
    colour: Colour | None,
) -> tuple[Contract, list[str]]:
    if interface.dtype == "uint8":
        if peak not in (None, _BYTES_PEAK):
            raise InputError(f"{path}: takes uint8, whose images are in [0,255]: leave --peak {peak} out")
        peak = _BYTES_PEAK
    try:
        return probe(network, name, photograph, peak=peak, multiple=multiple, colour=colour)
    except InputError as error:
        if interface.fixed is None:
            raise
        why = str(error).removeprefix(f"{name}: ")
        raise InputError(f"{_only(path, interface.fixed)}: {why}; export it with dynamic axes") from error


def _only(path: Path, fixed: Size) -> str:
    return f"{path}: is made for images of {fixed[0]}x{fixed[1]} alone, and cannot be made to take any"


def _made_for_any_size(path: Path, picture: nn.Module, contract: Contract, fixed: Size, photograph: Tensor) -> str:
    """A note that a file of one size takes any; raises an InputError where it does not."""
    try:
        why_not = why_not_any_size(picture, contract, fixed, photograph)
    except _failures() as error:
        why_not = in_one_line(error)
    if why_not is not None:
        raise InputError(f"{_only(path, fixed)}: {why_not}; export it with dynamic axes")
    return (
        f"the file was made for images of {fixed[0]}x{fixed[1]} alone; its graph takes any size, and the middle of a "
        "picture stays as it is when the image around it grows"
    )


def _images(contract: Contract, interface: Interface, photograph: Tensor) -> list[Tensor]:
    """Images at sizes that the given file takes, odd and not square if it takes any."""
    least = contract.minimum_side
    sizes = [(max(least, height), max(least, width)) for height, width in _SIZES]
    if interface.fixed is not None:
        sizes = [interface.fixed]
    whole = continued(photograph, (max(height for height, _ in sizes), max(width for _, width in sizes)))
    return [whole[:, :, :height, :width] for height, width in sizes]


def _proven(
    path: Path, model: onnx.ModelProto, picture: nn.Module, contract: Contract, images: list[Tensor]
) -> tuple[onnx.ModelProto, list[str]]:
    """The wrapped graph, in our opset where that is proven equal, and what was told of it."""
    found = opset_of(model)
    newer = in_our_opset(model)
    if newer is not None:
        wrapped = in_our_units(newer, contract)
        if _difference(wrapped, picture, images) <= _SAME:
            return wrapped, [] if found == OPSET else [f"the file was converted from opset {found} to {OPSET}"]
    wrapped = in_our_units(model, contract)
    error = _difference(wrapped, picture, images)
    if not error <= _SAME:
        raise EdgesrError(f"{path}: wrapped to take images in [0,255], it differs by {error:.2g}; report this model")
    return wrapped, [] if found == OPSET else [f"the file stays in opset {found}: it cannot be converted to {OPSET}"]


def _difference(wrapped: onnx.ModelProto, picture: nn.Module, images: list[Tensor]) -> float:
    """The largest of all images; infinite where ONNX Runtime does not take the wrapped graph."""
    with torch.inference_mode():
        expected = [picture(image) for image in images]
        try:
            run = OnnxPicture(wrapped)
            found = [run(image) for image in images]
        except _failures():
            return float("inf")
    return max(_apart(one, other) for one, other in zip(found, expected, strict=True))


def _require_given(
    path: Path,
    wrapped: nn.Module,
    file: GivenFile,
    contract: Contract,
    images: list[Tensor],
) -> None:
    """Raise an EdgesrError unless the wrapped graph is the file as it was given."""
    expected = InOurUnits(file, contract)
    for image in images:
        with torch.inference_mode():
            error = _apart(wrapped(image), expected(image))
        if not error <= file.tolerance:
            size = "x".join(map(str, image.shape[2:]))
            raise EdgesrError(f"{path}: what edgesr made of it differs by {error:.2g} at {size}; report this model")


def _failures() -> tuple[type[Exception], ...]:
    """The exceptions of a graph that ONNX Runtime cannot open or run."""
    return (EdgesrError, *ort.RUNTIME.failures())


def _apart(one: Tensor, other: Tensor) -> float:
    return float("inf") if one.shape != other.shape else (one - other).abs().max().item()
