"""Each kind of result file has a schema version of its own."""

from __future__ import annotations

import json

import pytest

from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.header import ResultFile
from edgesr.export.diff.layers import DiffResult
from edgesr.runtimes.errors import InputError

KINDS: tuple[type[ResultFile], ...] = (
    *(ParityResults, LatencyResults, EndToEndResults, ProfileResults),
    *(QualityResults, DiffResult),
)


def test_kinds_declare_their_versions() -> None:
    assert len({kind.KIND for kind in KINDS}) == len({kind.COMMAND for kind in KINDS}) == len(KINDS)
    assert all(kind.OLDEST_VERSION <= kind.VERSION for kind in KINDS)


def test_a_new_version_of_one_kind_leaves_the_others(
    report_files: ReportFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report_files.parity
    assert report_files.latency
    assert report_files.profile
    monkeypatch.setattr(LatencyResults, "VERSION", LatencyResults.VERSION + 1)
    written = json.loads(report_files.latency.read_text())["schema_version"]
    assert read_results(LatencyResults, report_files.latency).schema_version == written
    monkeypatch.setattr(LatencyResults, "OLDEST_VERSION", LatencyResults.VERSION)
    with pytest.raises(InputError, match=r"schema version 7 is not supported.*'edgesr bench --json'"):
        read_results(LatencyResults, report_files.latency)
    assert read_results(ParityResults, report_files.parity).passed
    assert read_results(ProfileResults, report_files.profile).passed
