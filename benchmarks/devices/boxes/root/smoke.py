"""The check before a root is packed: where this machine can run it, its Python imports every package of it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

from edgesr.benchmarks.devices.boxes.root.architecture import PYTHON_PROGRAM, Architecture
from edgesr.benchmarks.devices.boxes.root.layers import BASE
from edgesr.benchmarks.devices.process_exit import describe_exit, ended_process
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.telemetry import TELEMETRY_OFF

_PROGRAM = """
from importlib import metadata
import ai_edge_litert.interpreter, MNN.expr, MNN.nn, ncnn, numpy.typing, onnxruntime, openvino, PIL.Image, pyvips
print("packages:", *sorted(one.name.lower() for one in metadata.distributions()))
"""


def check_layers(architecture: Architecture, trees: Mapping[str, Path]) -> None:
    """Raise an InputError when it does not start or lacks a package; nothing on a machine of another architecture."""
    if platform.machine() != architecture.machine:
        return
    base = trees[BASE]
    libraries = ":".join(str(base / name) for name in architecture.libraries)
    packages = [name for name in trees if name != BASE]
    loader: list[str | Path] = [base / architecture.loader, "--inhibit-cache", "--library-path", libraries]
    done = ended_process(
        [*loader, base / PYTHON_PROGRAM, "-S", "-s", "-P", "-c", _PROGRAM],
        environment={**TELEMETRY_OFF, "PYTHONPATH": ":".join(str(trees[name]) for name in packages)},
    )
    if done.returncode != 0:
        raise InputError(
            f"the root for {architecture.machine} does not work: {describe_exit(done.returncode, done.stderr)}"
        )
    lines = done.stdout.replace("_", "-").splitlines()  # MNN prints one, too
    found = [word for line in lines for word in line.split()[1:] if line.startswith("packages:")]
    if found != sorted(packages):
        raise InputError(f"the root for {architecture.machine} has {', '.join(found)} instead of {', '.join(packages)}")
