"""PyTorch -> ncnn by pnnx, a program of its own that reads a TorchScript trace.

pnnx writes a dozen files next to those of ncnn: it works in a folder that is deleted afterwards.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from subprocess import TimeoutExpired

import torch
from torch import nn

from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
from edgesr.export.answers import answers_of
from edgesr.export.conversions.proof import Proof
from edgesr.export.conversions.tracing import example_input
from edgesr.export.ncnn.param_file import ParamLayer, read_layers, write_layers
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.interface.runtime import RunSettings

_TIMEOUT_SECONDS = 1800.0
_TRACE, _PARAM, _BIN = "trace.pt", "model.param", "model.bin"
_NOT_OF_NCNN = re.compile(r"[.:]|^pnnx")
"""In names of operators of PyTorch that pnnx found no layer of ncnn for: torch.topk, aten::sort, pnnx.Expression."""


def export_ncnn(module: nn.Module, folder: Path, *, proof: Proof) -> None:
    """Write model.param and model.bin: LR (1,c,h,w) float32 in [0,255] -> SR or residual; any height and width.

    Raises an EdgesrError where ncnn lacks an operator, or where the files miss their proof.
    """
    with tempfile.TemporaryDirectory(prefix="edgesr-pnnx-") as name:
        work = Path(name)
        _write_trace(module, work / _TRACE, proof)
        _run_pnnx(work, channels=proof.channels, sizes=(proof.traced, _another_size(proof)))
        layers = read_layers(work / _PARAM)
        lacking = sorted({layer.kind for layer in layers if _NOT_OF_NCNN.search(layer.kind)})
        if lacking:
            raise EdgesrError(
                f"ncnn has no layer for {', '.join(lacking)}; replace these operators in the network, leave ncnn out "
                "of --targets, or export the tile graph alone"
            )
        write_layers(folder / _PARAM, tuple(_with_channels(layer, proof.channels) for layer in layers))
        shutil.copyfile(work / _BIN, folder / _BIN)
    fault = proof.fault(
        lambda: answers_of("ncnn", folder / _PARAM, proof.images, RunSettings()), failures=(EdgesrError,)
    )
    if fault is not None:
        raise EdgesrError(f"the ncnn files do not compute what the module does: {fault}")


def _write_trace(module: nn.Module, file: Path, proof: Proof) -> None:
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, (example_input(proof.traced, channels=proof.channels),), check_trace=False)  # type: ignore[no-untyped-call]
    traced.save(str(file))


def _with_channels(layer: ParamLayer, channels: int) -> ParamLayer:
    """The input with the number of its channels, which the runtime checks images against; pnnx leaves it out."""
    return replace(layer, parameters={**layer.parameters, 2: str(channels)}) if layer.kind == "Input" else layer


def _another_size(proof: Proof) -> Size:
    """The second size that pnnx wants: what differs between both is dynamic."""
    height, width = next(
        image.shape[1:]
        for image in proof.images
        if image.shape[1] != proof.traced[0] and image.shape[2] != proof.traced[1]
    )
    return height, width


def _run_pnnx(work: Path, *, channels: int, sizes: tuple[Size, Size]) -> None:
    """Convert the trace in a folder; raises an EdgesrError with the last line of pnnx where it fails."""
    first, second = (f"[1,{channels},{height},{width}]" for height, width in sizes)
    try:
        process = ended_process(
            [
                _program(),
                _TRACE,
                f"inputshape={first}",
                f"inputshape2={second}",
                "fp16=0",
                f"ncnnparam={_PARAM}",
                f"ncnnbin={_BIN}",
            ],
            folder=work,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    except TimeoutExpired:
        raise EdgesrError(f"pnnx: no result after {_TIMEOUT_SECONDS:g} s") from None
    if process.returncode != 0 or not ((work / _PARAM).is_file() and (work / _BIN).is_file()):
        how = describe_exit(process.returncode, process.stderr or process.stdout)
        raise EdgesrError(f"pnnx cannot convert the network: {how}")


def _program() -> Path:
    """The program in the package, whose own Python code is not needed."""
    spec = find_spec("pnnx")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "pnnx"
