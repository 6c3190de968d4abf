"""What LiteRT's delegate takes of a converted file, beside what was predicted before the conversion."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.formats.targets import ArtifactPlan
from edgesr.export.records import REMAKE
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.steps.delegate import RESULT_FILE, inspect
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.json_file import read_record


def delegate_use(cache: StageCache, plan: ArtifactPlan, onnx_file: Path, file: Path) -> DelegateUse:
    """Predicted for the ONNX graph that a TFLite file is made of, found by opening the file in a process of its own."""
    stage = Stage(f"delegate-{plan.id}", inspect)
    folder = cache.run(stage, onnx_file, file, name=plan.id, graph=plan.graph, precision=plan.precision)
    return read_record(DelegateUse, folder / RESULT_FILE, remake=REMAKE)
