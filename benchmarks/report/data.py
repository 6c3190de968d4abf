"""The result files that a report is made of, and what figures and tables need of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.end_to_end_results import EndToEndResults
from benchmarks.instruction_results import InstructionResult
from benchmarks.latency_results import LatencyResult, LatencyResults
from benchmarks.limits import MachineLimits
from benchmarks.parity import GoldenParity
from benchmarks.parity_results import ParityResult, ParityResults
from benchmarks.profiles import ProfileResults
from benchmarks.quality import QualityResults
from benchmarks.results import SCHEMA_VERSION, bundle_identity
from benchmarks.tables import latency_notes, not_measured
from runtimes.bundle import Bundle
from runtimes.decoding import decode
from runtimes.errors import InputError

T = TypeVar("T", ParityResults, LatencyResults, QualityResults, EndToEndResults, ProfileResults)

_KINDS = {
    ParityResults: "parity",
    LatencyResults: "latency",
    QualityResults: "quality",
    EndToEndResults: "end-to-end",
    ProfileResults: "operators",
}


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Paths of the result files; None for what was not measured."""

    parity: Path | None = None
    latency: Path | None = None
    quality: Path | None = None
    end_to_end: Path | None = None
    profile: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """A bundle with the decoded results; None for what was not measured. ``instructions`` are of emulated devices."""

    bundle: Bundle
    parity: ParityResults | None = None
    latency: LatencyResults | None = None
    quality: QualityResults | None = None
    end_to_end: EndToEndResults | None = None
    profile: ProfileResults | None = None
    instructions: tuple[InstructionResult, ...] = ()


def read_data(bundle: Bundle, files: ReportFiles) -> ReportData:
    """Decode all files; an InputError for a file of another kind, schema version or bundle."""
    parity = read_results(ParityResults, files.parity)
    latency = read_results(LatencyResults, files.latency)
    end_to_end = read_results(EndToEndResults, files.end_to_end)
    profile = read_results(ProfileResults, files.profile)
    measured = (
        (files.parity, parity),
        (files.latency, latency),
        (files.end_to_end, end_to_end),
        (files.profile, profile),
    )
    identity = bundle_identity(bundle)
    for path, results in measured:
        if results is not None and results.bundle != identity:
            raise InputError(f"{path}: was measured on another bundle than {bundle.root}; measure this one")
    return ReportData(
        bundle=bundle,
        parity=parity,
        latency=latency if latency is not None and latency.results else None,
        quality=read_results(QualityResults, files.quality),
        end_to_end=end_to_end,
        profile=profile,
        instructions=latency.instructions if latency is not None else (),
    )


def read_results(cls: type[T], path: Path | None) -> T | None:
    """Decode one result file of the kind that ``cls`` is; None without a path."""
    if path is None:
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read as a result file: {error}") from error
    found = data if isinstance(data, dict) else {}
    if found.get("kind") != _KINDS[cls]:
        raise InputError(f"{path}: is of kind {found.get('kind')!r}, not {_KINDS[cls]!r}; give it to its own option")
    if found.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{path}: schema version {found.get('schema_version')!r} is not supported, this edgesr reads version "
            f"{SCHEMA_VERSION}; measure again"
        )
    try:
        return decode(cls, data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged result file: {error}; measure again") from error


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
    """What a measurement says against itself, and what it did not measure."""
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


def parity_of(data: ReportData, artifact: str, runtime: str) -> ParityResult | None:
    """The parity result of an artifact on a runtime."""
    return next((r for r in _parity_results(data) if (r.key.artifact, r.key.runtime) == (artifact, runtime)), None)


def _parity_results(data: ReportData) -> Iterator[ParityResult]:
    yield from data.parity.results if data.parity else ()
