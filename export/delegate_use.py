"""What LiteRT's delegate takes of a converted file, beside what was predicted before the conversion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from export.cache import Stage, StageCache
from export.subprocesses import run_converter
from export.targets import ArtifactPlan
from runtimes.decoding import decode, to_json
from runtimes.delegation import DelegateUse
from runtimes.files import sha256_of
from runtimes.manifest import GraphKind, Precision

_MODULES = ("export.delegation", "export.resizable", "runtimes.delegation", "runtimes.tflite_profile")
_JOB_FILE, _RESULT_FILE = "job.json", "delegation.json"


@dataclass(frozen=True, kw_only=True)
class DelegateJob:
    """A float32 ONNX graph and the TFLite file that was made of it."""

    onnx_file: str
    file: str
    graph: GraphKind
    precision: Precision


def delegate_use(cache: StageCache, plan: ArtifactPlan, onnx_file: Path, file: Path) -> DelegateUse:
    """Predicted for the ONNX graph that a TFLite file is made of, found by opening the file in a process of its own."""
    stage = Stage(f"delegate-{plan.id}", _MODULES, ("onnx", "ai-edge-litert"))

    def produce(folder: Path) -> None:
        job = DelegateJob(
            onnx_file=str(onnx_file.absolute()),
            file=str(file.absolute()),
            graph=plan.graph,
            precision=plan.precision,
        )
        (folder / _JOB_FILE).write_text(to_json(job))
        what = f"{plan.id} could not be opened in LiteRT"
        result = folder / _RESULT_FILE
        run_converter("export.delegation", [_JOB_FILE, _RESULT_FILE], folder=folder, result=result, what=what)

    inputs = {"onnx": sha256_of(onnx_file), "file": sha256_of(file), "precision": plan.precision}
    folder = cache.run(stage, inputs, produce)
    return decode(DelegateUse, json.loads((folder / _RESULT_FILE).read_text()))
