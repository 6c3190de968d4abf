"""Core ML on macOS. A model is a package, a folder: the file of it that is opened is its Manifest.json.

coremltools converts on Linux too, but has Core ML itself on macOS alone. edgesr was never run there: what this adapter
calls is in Apple's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import Provider, RunSettings, Runtime, timed_call_ms
from edgesr.runtimes.wording import counted

_UNITS = {"cpu": "CPU_ONLY", "gpu": "CPU_AND_GPU", "ane": "CPU_AND_NE", "all": "ALL"}
"""Names of `coremltools.ComputeUnit` by execution provider."""


def load() -> Any:
    """The package."""
    import coremltools

    return coremltools


@dataclass(frozen=True)
class CoreMLSession:
    """An open package with one input and one output."""

    model: Any
    input: str
    output: str

    def run(self, image: FloatArray) -> FloatArray:
        return np.ascontiguousarray(self.model.predict({self.input: image})[self.output], dtype=np.float32)


def open(path: Path, settings: RunSettings) -> CoreMLSession:
    """Load the package of a Manifest.json, for the CPU unless ``settings`` name another provider.

    Core ML decides on its threads itself, and has no exact arithmetic.
    """
    unit = getattr(load().ComputeUnit, _UNITS[settings.provider or "cpu"])
    model = load().models.MLModel(str(path.parent), compute_units=unit)
    description = model.get_spec().description
    if (len(description.input), len(description.output)) != (1, 1):
        found = f"{counted(len(description.input), 'input')} and {counted(len(description.output), 'output')}"
        raise ValueError(f"it has {found}, need one of each")
    return CoreMLSession(model, description.input[0].name, description.output[0].name)


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """The time of whole calls on a batch (1,c,h,w)."""
    session = open(path, settings)
    session.run(batch)
    times = [timed_call_ms(session, batch) for _ in range(calls)]
    return OperatorProfile(
        calls=calls,
        call_ms=median(times),
        operators=(),
        why_no_times="Core ML tells the time of operators to Xcode's Instruments alone",
        delegation=None,
    )


RUNTIME = Runtime(
    name="coreml",
    title="Core ML",
    distribution="coremltools",
    extra="coreml",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError),
    providers=lambda: tuple(_UNITS),
    known_providers=(
        Provider(name="cpu", title="the CPU alone"),
        Provider(name="gpu", title="the CPU and the GPU"),
        Provider(name="ane", title="the CPU and the Neural Engine"),
        Provider(name="all", title="whatever Core ML chooses"),
    ),
    systems={"darwin": "macOS"},
    exact_arithmetic=False,
)
