"""PyTorch -> ONNX by torch.export, simplified, and proven equal to PyTorch on real tiles before it is kept."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import Dim

from edgesr.export.conversions.full_and_tile import build_graph, example_input
from edgesr.export.conversions.graph_names import INPUT_NAME, OUTPUT_NAMES
from edgesr.export.conversions.simplify import simplify
from edgesr.runtimes.bundle.manifest import GraphKind, Size
from edgesr.sr_model.generators.foreign.program import ForeignGenerator
from edgesr.sr_model.generators.generator import Generator, with_exportable_median

OPSET = 18


def export_onnx(
    generator: Generator | ForeignGenerator,
    kind: GraphKind,
    path: Path,
    *,
    size: Size,
    tiles: Sequence[NDArray[np.float32]],
) -> None:
    """Write a simplified ONNX file: LR (1,3,h,w) float32 in [0,255] -> SR or residual, height and width dynamic.

    It is traced at ``size``; ``tiles`` are real LR images (3,h,w) on which the simplified model must equal the raw one.
    """
    raw = path.with_suffix(".raw.onnx")
    exportable = with_exportable_median(generator) if isinstance(generator, Generator) else generator
    with _quiet_exporter(), torch.inference_mode():
        torch.onnx.export(
            build_graph(exportable, kind),
            (example_input(size),),
            raw,
            dynamo=True,
            dynamic_shapes=({2: Dim.DYNAMIC, 3: Dim.DYNAMIC},),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAMES[kind]],
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    simplify(raw, path, tiles=tiles)
    raw.unlink()


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
