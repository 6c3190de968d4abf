"""The result files that a report is made of, and what figures and tables need of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from edgesr.benchmarks.jobs import HOST, OUTSIDE, engine_title
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults
from edgesr.benchmarks.machine.limits import MachineLimits
from edgesr.benchmarks.parity.check import GoldenParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.result_files import T, read_results, require_bundle
from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.sustained.results import SustainedResults
from edgesr.benchmarks.tables.latency import latency_notes
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle

R = TypeVar("R", ParityResults, LatencyResults)


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Paths of the result files; None for what was not measured."""

    parity: Path | None = None
    latency: Path | None = None
    quality: Path | None = None
    end_to_end: Path | None = None
    profile: Path | None = None
    sustained: Path | None = None

    def given(self) -> list[Path]:
        """The files that are given."""
        return [path for field in fields(self) if (path := getattr(self, field.name)) is not None]


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """A bundle with the decoded results; None for what was not measured. ``instructions`` are of emulated devices.

    ``names_all``: also artifacts without any result have a place in it.
    """

    bundle: Bundle
    parity: ParityResults | None = None
    latency: LatencyResults | None = None
    quality: QualityResults | None = None
    end_to_end: EndToEndResults | None = None
    profile: ProfileResults | None = None
    sustained: SustainedResults | None = None
    instructions: tuple[InstructionResult, ...] = ()
    names_all: bool = True

    @property
    def reference(self) -> str:
        """The name of the reference that the artifacts are compared with."""
        return REFERENCES[self.bundle.manifest.reference]


def read_data(bundle: Bundle, files: ReportFiles) -> ReportData:
    """Decode all files; raises an InputError for a file of another kind, schema version or bundle."""
    latency = _read(bundle, LatencyResults, files.latency)
    return ReportData(
        bundle=bundle,
        parity=_read(bundle, ParityResults, files.parity),
        latency=latency if latency is not None and latency.results else None,
        quality=_read(bundle, QualityResults, files.quality),
        end_to_end=_read(bundle, EndToEndResults, files.end_to_end),
        profile=_read(bundle, ProfileResults, files.profile),
        sustained=_read(bundle, SustainedResults, files.sustained),
        instructions=latency.instructions if latency is not None else (),
    )


def _read(bundle: Bundle, cls: type[T], path: Path | None) -> T | None:
    if path is None:
        return None
    results = read_results(cls, path)
    require_bundle(path, results, bundle)
    return results


def devices(data: ReportData) -> list[str]:
    """The devices that parity or latency was measured on, this host first; this host alone if there are none."""
    names = dict.fromkeys(key.device for key in _keys(data)) or {HOST: None}
    return sorted(names, key=lambda name: name != HOST)


def of_device(data: ReportData, device: str) -> ReportData:
    """Parity and latency of one device alone; artifacts without any result are left to the first device."""
    return replace(
        data,
        parity=_of_device(data.parity, device),
        latency=_latency_of_device(data.latency, device),
        names_all=device == devices(data)[0] and device != OUTSIDE,
    )


def with_parity(part: ReportData, whole: ReportData) -> ReportData:
    """Results of a device with the parity of this host, unless there is parity of its own."""
    return part if part.parity is not None else replace(part, parity=_of_device(whole.parity, HOST))


def _of_device(results: R | None, device: str) -> R | None:
    rows = [row for row in results.results if row.key.device == device] if results is not None else []
    return replace(results, results=tuple(rows)) if results is not None and rows else None


def _latency_of_device(results: LatencyResults | None, device: str) -> LatencyResults | None:
    found = _of_device(results, device)
    return found and replace(found, limits=tuple(one for one in found.limits if one.device == device))


def table_of_devices(data: ReportData, table: Callable[[ReportData], Table]) -> Table:
    """One table of the rows that ``table`` makes of the results of each device."""
    return joined_table(data, {name: table(of_device(data, name)) for name in devices(data)})


def joined_table(data: ReportData, tables: Mapping[str, Table]) -> Table:
    """Tables by device in one: with a column of devices, behind that of runtimes, unless all is of one device."""
    first = next(iter(tables.values()))
    if len(devices(data)) == 1:
        return first
    place = first.columns.index("runtime") + 1 if "runtime" in first.columns else 0
    return Table(
        first.title,
        (*first.columns[:place], "device", *first.columns[place:]),
        tuple((*row[:place], name, *row[place:]) for name, one in tables.items() for row in one.rows),
    )


def rounds_ms(result: LatencyResult) -> tuple[tuple[float, ...], ...]:
    """Timed calls of each round; empty where there is no latency."""
    return result.latency.samples_ms if result.latency else ()


def roofs(results: LatencyResults | None) -> tuple[MachineLimits, ...]:
    """Limits of the machine, empty where they were not measured."""
    return results.limits if results else ()


def roofline_point(result: LatencyResult) -> tuple[float, float] | None:
    """FLOP a byte and GFLOP/s of one result; None where one of them is not known."""
    if result.intensity_flop_per_byte is None or result.gflops is None:
        return None
    return result.intensity_flop_per_byte, result.gflops


def latency_remarks(results: LatencyResults) -> tuple[str, ...]:
    """Doubts about a measurement that it recorded itself, and the artifacts that it did not measure."""
    interrupted = () if results.complete else ("The measurement was interrupted: rounds are missing.",)
    return (*interrupted, *latency_notes(results), *not_measured(results))


def fewest_threads(results: LatencyResults) -> int:
    """The smallest thread count that was measured."""
    return min(r.key.threads for r in results.results)


def measured(results: LatencyResults, threads: int) -> list[LatencyResult]:
    """Results with a latency at that thread count."""
    return [r for r in results.results if r.latency is not None and r.key.threads == threads]


def worst_golden(result: ParityResult) -> GoldenParity | None:
    """The golden that an artifact is farthest from; a golden without finite output is the worst of all."""
    goldens = result.parity.goldens if result.parity else ()
    return min(goldens, key=_psnr_order, default=None)


def _psnr_order(golden: GoldenParity) -> float:
    if golden.psnr_db is None:
        return float("inf") if golden.max_abs_error == 0 else float("-inf")
    return golden.psnr_db


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An artifact on a runtime, and the execution provider that it was measured on, None without one."""

    artifact: Artifact
    runtime: str
    provider: str | None

    @property
    def engine(self) -> str:
        """The runtime with its provider."""
        return engine_title(self.runtime, self.provider)

    def is_of(self, key: Key) -> bool:
        """Whether a result is about it, on whatever device and threads."""
        return (key.artifact, key.runtime, key.provider) == (self.artifact.id, self.runtime, self.provider)


def subjects(data: ReportData) -> list[Subject]:
    """All artifacts on all of their runtimes, and on runners of others that were checked, there on every provider that
    parity or latency was measured on.
    """
    unmeasured: set[str | None] = {None} if data.names_all else set()
    measured_on: dict[tuple[str, str], set[str | None]] = {}
    for key in _keys(data):
        measured_on.setdefault((key.artifact, key.runtime), set()).add(key.provider)
    return [
        Subject(artifact=artifact, runtime=runtime, provider=provider)
        for artifact in data.bundle.manifest.artifacts
        for runtime in dict.fromkeys((*artifact.runtimes, *(of for name, of in measured_on if name == artifact.id)))
        for provider in sorted(measured_on.get((artifact.id, runtime), unmeasured), key=lambda name: name or "")
    ]


def parity_of(data: ReportData, subject: Subject) -> ParityResult | None:
    """The first parity result of a subject."""
    results = data.parity.results if data.parity else ()
    return next((r for r in results if subject.is_of(r.key)), None)


def _keys(data: ReportData) -> list[Key]:
    parity = data.parity.results if data.parity else ()
    latency = data.latency.results if data.latency else ()
    return [result.key for result in (*parity, *latency)]
