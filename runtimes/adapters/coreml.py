"""Core ML on macOS. A model is a package, a folder: the file of it that is opened is its Manifest.json.

coremltools converts on Linux too, but has Core ML itself on macOS alone. edgesr was never run there: what this adapter
calls is in Apple's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, profile_of_calls
from edgesr.runtimes.wording import counted

_NO_TIMES = "Core ML tells the time of operators to Xcode's Instruments alone"


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


def open(path: Path, settings: RunSettings) -> CoreMLSession:  # noqa: ARG001 - there is nothing to set
    """Load the package of a Manifest.json, for whatever Core ML chooses: the CPU, the GPU or the Neural Engine.

    It decides on its threads itself, and has no exact arithmetic.
    """
    model = load().models.MLModel(str(path.parent), compute_units=load().ComputeUnit.ALL)
    description = model.get_spec().description
    if (len(description.input), len(description.output)) != (1, 1):
        found = f"{counted(len(description.input), 'input')} and {counted(len(description.output), 'output')}"
        raise ValueError(f"it has {found}, need one of each")
    return CoreMLSession(model, description.input[0].name, description.output[0].name)


def profile(path: Path, batch: FloatArray, settings: RunSettings, *, calls: int) -> OperatorProfile:
    """The time of whole calls on a batch (1,c,h,w)."""
    return profile_of_calls(open(path, settings), batch, calls=calls, why_no_times=_NO_TIMES)


RUNTIME = Runtime(
    name="coreml",
    title="Core ML",
    distribution="coremltools",
    extra="coreml",
    load=load,
    open=open,
    profile=profile,
    failures=lambda: (RuntimeError, ValueError),
    systems={"darwin": "macOS"},
    exact_arithmetic=False,
)
