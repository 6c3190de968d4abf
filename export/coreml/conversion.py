"""PyTorch -> a Core ML package by coremltools, in a process of its own: coremltools imports whatever it could convert
from, and prints.

Core ML runs on macOS alone, so no package can be compared with its module here: its structure is checked.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import uuid
from pathlib import Path

from edgesr.export.coreml.structure import structure_fault
from edgesr.export.coreml.task import PACKAGE, REPORT, Report, Task
from edgesr.export.records import REMAKE
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.bundle.manifest import GraphKind, Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_json, read_record
from edgesr.runtimes.json_records import to_json

_TIMEOUT_SECONDS = 1800.0
_MANIFEST = "Manifest.json"
_NAMES = uuid.UUID("6f1a7e0e-2b7c-5d0a-9c57-2c5e8b1b6a10")
"""The name space of identifiers of ours."""


def export_coreml(folder: Path, checkpoint: Path, graph: GraphKind, size: Size, *, zero_padded: bool) -> None:
    """Write ``model.mlpackage``: LR (1,c,h,w) float32 in [0,255] of that size -> SR or residual.

    Raises an EdgesrError where coremltools lacks an operator, or where the package has another structure than the
    module.
    """
    task = Task(source=str(checkpoint.absolute()), graph=graph, size=size, zero_padded=zero_padded)
    _make(folder, task, what="coremltools cannot convert the network")


def in_float16(folder: Path, package: Path) -> None:
    """Write ``model.mlpackage`` with the weights and arithmetic of a float32 package in float16."""
    with tempfile.TemporaryDirectory(prefix="edgesr-coreml-") as name:
        copy = shutil.copytree(package, Path(name) / PACKAGE)  # reading a package writes its Manifest.json
        task = Task(source=str(copy), graph=None, size=None, zero_padded=False)
        _make(folder, task, what="coremltools cannot convert the package to float16")


def _make(folder: Path, task: Task, *, what: str) -> None:
    with tempfile.TemporaryDirectory(prefix="edgesr-coreml-") as name:
        job, report = Path(name) / "task.json", Path(name) / REPORT
        job.write_text(to_json(task))
        run_converter(
            "edgesr.export.coreml.in_coremltools",
            [str(job), str(folder.absolute())],
            folder=Path(name),
            result=report,
            what=what,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        found = read_record(Report, report, remake=REMAKE)
    fault = structure_fault(found.found, found.expected)
    if fault is not None:
        raise EdgesrError(f"the Core ML package differs from the model that was converted: {fault}")
    _name_items(folder / PACKAGE / _MANIFEST)


def _name_items(manifest: Path) -> None:
    """Identifiers that follow from what they name: coremltools draws them anew each time.

    Written as coremltools does, which writes it again when it reads a package: that must not change a bundle's file.
    """
    content = read_json(manifest, remake=REMAKE)
    names = {old: str(uuid.uuid5(_NAMES, item["path"])) for old, item in content["itemInfoEntries"].items()}
    content["itemInfoEntries"] = {names[old]: item for old, item in content["itemInfoEntries"].items()}
    content["rootModelIdentifier"] = names[content["rootModelIdentifier"]]
    manifest.write_text(json.dumps(content, indent=4, sort_keys=True) + "\n")
