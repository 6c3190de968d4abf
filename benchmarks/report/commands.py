"""The command line that gives each section, with the settings that its result file records."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from edgesr.benchmarks.jobs import HOST, OUTSIDE
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.report.data import ReportData, ReportFiles
from edgesr.benchmarks.results.rows import Row
from edgesr.benchmarks.sustained.results import SustainedResults


def parity_command(bundle: Path, files: ReportFiles, results: ParityResults | None = None) -> str:
    """Fidelity against the goldens, on the devices that were measured."""
    names = dict.fromkeys(row.key.device for row in results.results) if results is not None else {}
    devices = [name for name in names if name not in (HOST, OUTSIDE)]
    options = ["--device", ",".join(devices)] if devices else []
    options += _provider(results.results) if results is not None else []
    if results is not None and any(row.key.device == OUTSIDE for row in results.results):
        options += ["--outputs", "DIR"]
    return _line("parity", bundle, *options, "--json", files.parity or "parity.json")


def instruction_command(bundle: Path, files: ReportFiles, results: Iterable[InstructionResult]) -> str:
    """Instructions on emulated devices."""
    devices = ",".join(dict.fromkeys(result.key.device for result in results))
    return _line("bench", bundle, "--device", devices, "--json", files.latency or "latency.json")


def latency_command(bundle: Path, files: ReportFiles, results: LatencyResults | None) -> str:
    """Latency of bare calls."""
    options: list[object] = ["--rounds", 5]
    if results is not None:
        settings = results.settings
        names = dict.fromkeys([*(r.key.device for r in results.results), *(d.name for d in results.devices)])
        options = ["--device", ",".join(names)] if [*names] != [HOST] else []
        options += ["--threads", _counts(r.key.threads for r in results.results), "--rounds", results.rounds]
        options += (
            ["--mlperf"] if settings.mlperf else ["--calls", settings.calls, "--seconds", f"{settings.seconds:g}"]
        )
        options += _pinning(settings.pin, settings.cores)
        options += _provider(results.results)
    return _line("bench", bundle, *options, "--json", files.latency or "latency.json")


def sustained_command(bundle: Path, files: ReportFiles, results: SustainedResults | None) -> str:
    """Minutes of bare calls."""
    options: list[object] = ["--sustained", 300]
    if results is not None:
        settings = results.settings
        options = ["--device", ",".join(d.name for d in results.devices)] if results.devices else []
        options += ["--threads", _counts(r.key.threads for r in results.results)]
        options += ["--sustained", f"{settings.seconds:g}"]
        options += _pinning(settings.pin, settings.cores)
        options += _provider(results.results)
    return _line("bench", bundle, *options, "--json", files.sustained or "sustained.json")


def end_to_end_command(bundle: Path, files: ReportFiles, results: EndToEndResults | None) -> str:
    """A photograph from file to file."""
    options: list[object] = ["--image-size", "945x1445"]
    if results is not None:
        settings = results.settings
        options = ["--image-size", "{}x{}".format(*settings.size)]
        names = dict.fromkeys(r.key.device for r in results.results)
        options += ["--device", ",".join(names)] if [*names] != [HOST] else []
        options += ["--threads", _counts(r.key.threads for r in results.results)]
        options += [] if settings.memory_bytes is None else ["--memory", settings.memory_bytes]
        options += _pinning(False, settings.cores)
        options += _provider(results.results)
    return _line("bench", bundle, *options, "--json", files.end_to_end or "end_to_end.json")


def quality_command(bundle: Path, files: ReportFiles, results: QualityResults | None) -> str:
    """Quality against HR images."""
    options: list[object] = ["--data", "DIR"]
    if results is not None:
        options = ["--data", results.data, "--degradation", results.degradation, "--seed", results.seed]
    return _line("eval", bundle, *options, "--json", files.quality or "quality.json")


def profile_command(bundle: Path, files: ReportFiles, results: ProfileResults | None) -> str:
    """Operators and delegates."""
    options: list[object] = []
    if results is not None:
        options = ["--threads", _counts(r.key.threads for r in results.results)]
        options += ["--calls", next((r.profile.calls for r in results.results if r.profile), 10)]
        options += _provider(results.results)
    return _line("profile", bundle, *options, "--json", files.profile or "profile.json")


def report_command(bundle: Path, files: ReportFiles, images: Iterable[Path]) -> str:
    """This report."""
    options: list[object] = []
    for name, path in (
        ("--parity", files.parity),
        ("--latency", files.latency),
        ("--quality", files.quality),
        ("--end-to-end", files.end_to_end),
        ("--profile", files.profile),
        ("--sustained", files.sustained),
    ):
        options += [] if path is None else [name, path]
    for image in images:
        options += ["--image", image]
    return _line("report", bundle, "--output", "report.html", *options)


def inspect_command(bundle: Path) -> str:
    """The command that lists what the files of a bundle contain."""
    return _line("inspect", bundle)


def missing_text(data: ReportData, name: str, option: str) -> str:
    """The text of a section that has no result file."""
    return f"{name} of {data.bundle.name}: not given. Run the command above, and pass its file with {option}."


def _line(*words: object) -> str:
    return " ".join(["edgesr", *(shlex.quote(str(word)) for word in words)])


def _pinning(pin: bool, cores: str | None) -> list[str]:
    return ["--pin"] if pin else [] if cores is None else ["--cores", cores]


def _provider(rows: Iterable[Row]) -> list[str]:
    """The option of the execution provider that all rows of a file were measured on, if there is one."""
    asked_for = next((row.key.provider for row in rows), None)
    return [] if asked_for is None else ["--provider", asked_for]


def _counts(threads: Iterable[int]) -> str:
    return ",".join(map(str, sorted(set(threads))))
