"""An artifact that crashes, hangs or answers garbage costs its own pictures of a report, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.report.drawn.pictures import make_pictures
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.opening import Bundle

CRASHING = "onnx-fp32-full"


@dataclass(frozen=True)
class Faulty(Device):
    """The host, with one artifact at fault."""

    fault: Callable[[Job], Outcome]
    name: str = "host"

    def run(self, job: Job) -> Outcome:
        return self.fault(job) if job.artifact == CRASHING else HostDevice().run(job)


def crashed(_: Job) -> Outcome:
    return Outcome(status="crashed", reason="killed by SIGSEGV", result=None)


def wrong_count(_: Job) -> Outcome:
    return Outcome(status="done", reason=None, result={"refusals": [None]})


def left_nothing(job: Job) -> Outcome:
    return Outcome(status="done", reason=None, result={"refusals": [None] * job.settings["count"]})


def left_garbage(job: Job) -> Outcome:
    for place in range(job.settings["count"]):
        np.save(Path(job.settings["outputs"]) / f"{place}.npy", np.full((256, 256, 3), np.nan, np.float32))
    return left_nothing(job)


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (crashed, "onnx-fp32-full: crashed: killed by SIGSEGV"),
        (wrong_count, "onnx-fp32-full: done: another number of pictures"),
        (left_nothing, "onnx-fp32-full on photograph (cat): the worker left no picture"),
        (left_garbage, "onnx-fp32-full on photograph (cat): the worker left float32 of (256, 256, 3), not finite"),
    ],
)
def test_a_fault_costs_one_artifact(mobile_bundle: Bundle, fault: Callable[[Job], Outcome], note: str) -> None:
    ort = tuple(a for a in mobile_bundle.manifest.artifacts if "ort" in a.runtimes)
    bundle = replace(mobile_bundle, manifest=replace(mobile_bundle.manifest, artifacts=ort))
    pictures = make_pictures(bundle, [], device=Faulty(fault))
    assert any(line.startswith(note) for line in pictures.notes), pictures.notes
    for compared in pictures.compared:
        assert set(compared.pictures) == {"bicubic", "bilinear", REFERENCES["pytorch"], "onnx-fp32-tile"}
        assert [heat.artifact for heat in compared.heat_maps] == ["onnx-fp32-tile"]
        assert compared.heat_maps[0].largest < 0.01


def test_a_real_crash_leaves_a_report(mobile_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that die at once, as a segmentation fault kills them: the page is there and tells of each."""
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -SEGV $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(dying))
    report = build_report(mobile_bundle, ReportFiles())
    assert report.html.count("crashed: killed by SIGSEGV") >= len(mobile_bundle.manifest.artifacts)
