"""Small MNN files, converted from ONNX files that are written by hand."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.proof import Proof
from edgesr.export.mnn.conversion import export_mnn
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.interface.runtime import RunSettings
from tests.runtimes.adapters import small_onnx

FIRST = (48, 48)
_SIZES = ((40, 56), (27, 35))


def converted(onnx_file: Path, file: Path) -> Path:
    """The MNN file of an ONNX file with three channels, proven by what ONNX Runtime gives."""
    images = tuple(photograph("cat", size) for size in _SIZES)
    proof = Proof(source=ort.open(onnx_file, RunSettings()).run, images=images, traced=_SIZES[0])
    export_mnn(onnx_file, file, proof=proof, first=FIRST)
    return file


def convolutions(folder: Path) -> Path:
    """Two convolutions of 3x3 with a ReLU between them, next to their ONNX file."""
    return converted(small_onnx.convolution(folder / "model.onnx"), folder / "model.mnn")
