"""The recipe of a root for boxes: packages, wheels and set-up. A root that was made by another recipe is made anew."""

from __future__ import annotations

import hashlib
import json

from edgesr.benchmarks.devices.boxes.root.architecture import Architecture
from edgesr.benchmarks.devices.packages.debian import PYTHON_PACKAGES
from edgesr.benchmarks.devices.packages.trees import UNUSED_OF_PYTHON, UNUSED_OF_WHEELS, modules_of_set_up
from edgesr.runtimes.files import sha256_of

UNUSED = {
    "base": (*UNUSED_OF_PYTHON, "lib64", "usr/lib/python3.11/ensurepip", "usr/lib/python3.11/lib2to3"),
    "ai-edge-litert": tuple(
        f"ai_edge_litert/{name}" for name in ("aot", "tools", "vendors", "libLiteRtWebGpuAccelerator.so")
    ),
}
"""By layer, what no worker needs beside `UNUSED_OF_WHEELS`. lib64 leads to the box's own loader."""


def unused(layer: str) -> tuple[str, ...]:
    """Names below a layer that are left out of it."""
    return (*UNUSED.get(layer, ()), *UNUSED_OF_WHEELS)


def package_names(architecture: Architecture) -> tuple[str, ...]:
    """All Debian packages of a root, as package:architecture."""
    return tuple(f"{name}:{architecture.debian}" for name in PYTHON_PACKAGES)


def recipe_sha256(architecture: Architecture) -> str:
    """One hash over the lists of pinned wheels and all modules that decide what the set-up makes."""
    lists = [sha256_of(wheels.file) for wheels in (architecture.wheels, architecture.image_wheels)]
    content = {"modules": modules_of_set_up(f"{__package__}.setup"), "wheels": lists}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
