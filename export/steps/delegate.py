"""The part of a converted file that LiteRT's delegate takes, next to the prediction before the conversion."""

from __future__ import annotations

from pathlib import Path

from edgesr.export.conversions.delegate_job import DelegateJob
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.bundle.manifest import GraphKind
from edgesr.runtimes.json_records import to_json

RESULT_FILE = "delegation.json"
_JOB_FILE = "job.json"


def inspect(folder: Path, onnx_file: Path, file: Path, *, name: str, graph: GraphKind, wide_file: Path | None) -> None:
    """Write the `edgesr.runtimes.bundle.delegation.DelegateUse` of a TFLite file, opened in a process of its own.

    ``wide_file`` is the ONNX tile graph whose convolutions compute with 16-bit activations in the file, if any do.
    """
    job = DelegateJob(
        onnx_file=str(onnx_file.absolute()),
        file=str(file.absolute()),
        graph=graph,
        wide_file=None if wide_file is None else str(wide_file.absolute()),
    )
    (folder / _JOB_FILE).write_text(to_json(job))
    what = f"{name} could not be opened in LiteRT"
    run_converter(
        "edgesr.export.conversions.delegate_prediction",
        [_JOB_FILE, RESULT_FILE],
        folder=folder,
        result=folder / RESULT_FILE,
        what=what,
    )
