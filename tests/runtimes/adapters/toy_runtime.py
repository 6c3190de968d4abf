"""A runtime in one file, whose models have two files: a text that names the other, and an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgesr.runtimes.adapters import ort
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, Session


def load() -> Any:
    return ort.load()


def open(path: Path, settings: RunSettings) -> Session:
    return ort.open(path.parent / path.read_text(), settings)


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    return ort.profile(path.parent / path.read_text(), batch, settings, calls=calls)


RUNTIME = Runtime(
    name="toy",
    title="Toy runtime",
    distribution="onnxruntime",
    extra="toy",
    load=load,
    open=open,
    profile=profile,
    failures=ort.RUNTIME.failures,
)
