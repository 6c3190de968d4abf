"""PyTorch -> ONNX by torch.export, simplified, and proven equal to the module on photographs before it is kept.

A generator that is an ONNX file already is simplified and proven in the same way.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.export import Dim

from edgesr.export.conversions.graph_names import INPUT_NAME, OUTPUT_NAMES
from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.simplify import simplify
from edgesr.export.conversions.tracing import example_input
from edgesr.runtimes.bundle.manifest import GraphKind
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import shown_text
from edgesr.sr_model.generators.onnx_source.in_our_units import clipped

OPSET = 20


def export_onnx(module: nn.Module, path: Path, *, output_name: str, proof: Proof) -> None:
    """Write a simplified ONNX file: LR (1,c,h,w) float32 in [0,255] -> SR or residual, height and width dynamic.

    Raises an EdgesrError where PyTorch cannot export the module, or where the file misses its proof.
    """
    raw = path.with_suffix(".raw.onnx")
    with _quiet_exporter(), torch.inference_mode():
        try:
            torch.onnx.export(
                module,
                (example_input(proof.traced, channels=proof.channels),),
                raw,
                dynamo=True,
                dynamic_shapes=({2: Dim.DYNAMIC, 3: Dim.DYNAMIC},),
                input_names=[INPUT_NAME],
                output_names=[output_name],
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise EdgesrError(
                f"PyTorch could not export the module to ONNX for images of any size: {_reason(error)}; its sizes "
                "must come from its input's shape, and no branch may depend on pixels"
            ) from error
    simplify(raw, path, proof=proof)
    raw.unlink()


def simplify_wrapped(wrapped: onnx.ModelProto, path: Path, *, graph: GraphKind, proof: Proof) -> None:
    """Write a simplified ONNX file of a user's graph in our units, whose picture is not clipped yet.

    Raises an EdgesrError where the file misses its proof.
    """
    raw = path.with_suffix(".raw.onnx")
    onnx.save(clipped(wrapped, OUTPUT_NAMES[graph]) if graph == "full" else wrapped, raw)
    simplify(raw, path, proof=proof)
    raw.unlink()


def _reason(error: BaseException) -> str:
    """The message of the exporter's first exception: those around it tell only where in the exporter it was raised."""
    while error.__cause__ is not None:
        error = error.__cause__
    return shown_text(" ".join(str(error).split()))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns of torchvision operators and of its own internals on every call; errors still pass."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
