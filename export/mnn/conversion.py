"""ONNX -> MNN, and float32 MNN files -> those of lower precision, by MNN's converter."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgesr.export.answers import answers_of
from edgesr.export.conversions.proof import Proof
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters.mnn import RUNTIME, first_image
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings

_TIMEOUT_SECONDS = 1800.0


def export_mnn(onnx_file: Path, file: Path, *, proof: Proof, first: Size) -> None:
    """Write a .mnn file: LR (1,c,h,w) float32 in [0,255] -> SR or residual; any height and width.

    ``first``: the size of the image that every session runs first. Raises an EdgesrError where MNN lacks an operator,
    or where the file misses its proof, in exact arithmetic.
    """
    _run_converter("ONNX", onnx_file, file, "--bizCode", first_image(proof.channels, first))
    fault = proof.fault(
        lambda: answers_of(RUNTIME.name, file, proof.images, RunSettings(exact=True)), failures=(EdgesrError,)
    )
    if fault is not None:
        raise EdgesrError(f"the MNN file does not compute what the module does: {fault}")


def convert_weights(content: bytes, file: Path, *options: str) -> None:
    """Write a .mnn file with weights of fewer bits from the content of a float32 one, by options of the converter."""
    with tempfile.TemporaryDirectory(prefix="edgesr-mnn-") as name:
        source = Path(name) / "float32.mnn"
        source.write_bytes(content)
        _run_converter("MNN", source, file, *options)


def _run_converter(form: str, source: Path, file: Path, *options: str) -> None:
    run_converter(
        "edgesr.export.mnn.converter",
        [form, str(source.absolute()), str(file.absolute()), *options],
        folder=file.parent,
        result=file,
        what="MNN cannot convert the network",
        timeout_seconds=_TIMEOUT_SECONDS,
    )
