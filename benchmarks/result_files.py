"""Result files as they are read: of one kind, of a schema version that edgesr knows, and sound."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from edgesr.benchmarks.latency.call import Latency, counted_anew
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResult, EndToEndResults
from edgesr.benchmarks.latency.instruction_results import InstructionResult
from edgesr.benchmarks.latency.profiles import ProfileResult, ProfileResults
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults
from edgesr.benchmarks.parity.check import ArtifactParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.results.header import bundle_identity
from edgesr.benchmarks.results.plausible import require_plausible
from edgesr.benchmarks.results.rows import Key, label
from edgesr.benchmarks.sustained.results import SustainedResult, SustainedResults
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode
from edgesr.runtimes.wording import counted, shown_value

T = TypeVar("T", ParityResults, LatencyResults, SustainedResults, QualityResults, EndToEndResults, ProfileResults)
AnyRow = ParityResult | LatencyResult | SustainedResult | EndToEndResult | ProfileResult | InstructionResult
Results = ParityResults | LatencyResults | SustainedResults | QualityResults | EndToEndResults | ProfileResults

_POOLED_SAMPLES_VERSION = 6
_MOST = 1e12
"""No figure of a measurement is larger, nor smaller than 1 / this: 1e9 operations or bytes a second, shares, ratios."""
_SHORTEST_MS, _LONGEST_MS = 1e-6, 1e9
"""A call takes from a nanosecond to eleven days: the exponentials of confidence intervals stay finite."""


def read_results(cls: type[T], path: Path) -> T:
    """Read a result file of the kind that ``cls`` is; raises an InputError for anything else, or what is damaged.

    Percentiles of latency files of edgesr 0.1.0 are computed anew from their samples.
    """
    remake = f"measure again with '{cls.COMMAND}'"
    data = read_json(path, remake=remake)
    if data.get("kind") != cls.KIND:
        found = shown_value(data.get("kind"))
        raise InputError(f"{path}: is of kind {found}, not {cls.KIND!r}; give a file that '{cls.COMMAND}' wrote")
    version = require_version(path, data, oldest=cls.OLDEST_VERSION, newest=cls.VERSION, remake=remake)
    try:
        results = decode(cls, data)
        _require_sound(results)
        require_plausible(data)
    except (DecodeError, InputError) as error:
        raise InputError(f"{path}: damaged result file: {error}; {remake}") from error
    if isinstance(results, LatencyResults):
        return _as_now(results, version)
    return results


def _as_now(results: LatencyResults, version: int) -> LatencyResults:
    """The limits of the one device of a file are its, which earlier files do not say, and percentiles are weighted."""
    names = {row.key.device for row in results.results}
    limits = tuple(replace(one, device=min(names)) if len(names) == 1 else one for one in results.limits)
    pooled = version == _POOLED_SAMPLES_VERSION
    rows = tuple(map(_counted_anew, results.results)) if pooled else results.results
    return replace(results, limits=limits, results=rows)


def require_bundle(path: Path, results: Results, bundle: Bundle) -> None:
    """Raise an InputError unless the results are of this bundle; quality, of one of its artifacts or its checkpoint."""
    if isinstance(results, QualityResults):
        belongs = any(_is_of(bundle, one.bundle, one.artifact, one.sha256) for one in results.results)
    else:
        belongs = results.bundle == bundle_identity(bundle)
    if not belongs:
        raise InputError(f"{path}: was measured on another bundle than {bundle.root}; measure this one")


def _is_of(bundle: Bundle, identity: str | None, artifact: str | None, sha256: str | None) -> bool:
    """Whether a candidate is of a bundle; edgesr 0.1.0 did not record which, but the file's own SHA-256."""
    if identity is not None:
        return identity == bundle_identity(bundle).manifest_sha256
    if artifact is None:
        return sha256 == bundle.manifest.checkpoint.sha256
    return any((one.id, one.file.sha256) == (artifact, sha256) for one in bundle.manifest.artifacts)


def _require_sound(results: Results) -> None:
    if isinstance(results, QualityResults):
        for candidate in results.results:
            if len(candidate.images) != len(results.images):
                images = counted(len(results.images), "image")
                raise DecodeError(f"{candidate.candidate}: has {len(candidate.images)} of {images}")
        return
    counts = results.instructions if isinstance(results, LatencyResults) else ()
    for rows in (results.results, counts):
        _require_unique(row.key for row in rows)
    for row in (*results.results, *counts):
        _require_measured(row)
    if isinstance(results, LatencyResults):
        for limits in results.limits:
            if not all(1 / _MOST < one < _MOST for one in (limits.sgemm_gflops, limits.bandwidth_gb_per_s)):
                raise DecodeError(f"limits of {counted(limits.threads, 'thread')}: cannot have been measured")
    if isinstance(results, ParityResults):
        _require_one_factor(results)


def _require_one_factor(results: ParityResults) -> None:
    """A golden has the same projection factor in all rows."""
    factors: dict[str, float | None] = {}
    for golden in (one for row in results.results if row.parity for one in row.parity.goldens):
        if factors.setdefault(golden.golden, golden.k) != golden.k:
            raise DecodeError(f"golden {golden.golden}: its factor k differs from row to row")


def _require_measured(row: AnyRow) -> None:
    """Require that a result with the status "done" has a measurement, that no other one has, and that its values are
    possible.
    """
    name = label(row.key)
    found, times = _measured(row)
    if (found is not None) != (row.status == "done"):
        raise DecodeError(f"{name}: its status is {row.status}, and it has {'a' if found else 'no'} result")
    if isinstance(row, LatencyResult):
        _require_figures(name, row)
    if isinstance(found, ArtifactParity) and not found.goldens:
        raise DecodeError(f"{name}: has no goldens")
    if min(times, default=1) <= 0:
        raise DecodeError(f"{name}: something took no time")


def _measured(row: AnyRow) -> tuple[object, tuple[float, ...]]:
    """The result of a row, and figures of it that cannot be 0."""
    if isinstance(row, LatencyResult):
        return row.latency, ()
    if isinstance(row, ParityResult):
        return row.parity, ()
    if isinstance(row, SustainedResult):
        windows = row.sustained.windows if row.sustained else ()
        return row.sustained, tuple(figure for one in windows for figure in (one.seconds, one.p50_ms, one.calls))
    if isinstance(row, InstructionResult):
        return row.instructions, (row.instructions.total,) if row.instructions else ()
    if isinstance(row, EndToEndResult):
        one = row.end_to_end
        times = (one.file_ms, one.tiles_ms, one.ratio_to_whole) if one else ()
        return one, tuple(figure for figure in times if figure is not None)
    return row.profile, (row.profile.call_ms,) if row.profile else ()


def _require_unique(keys: Iterable[Key]) -> None:
    seen: set[Key] = set()
    for key in keys:
        if key in seen:
            raise DecodeError(f"{label(key)} on {key.engine}, {counted(key.threads, 'thread')}: is there twice")
        seen.add(key)


def _require_figures(name: str, row: LatencyResult) -> None:
    derived = (row.gflops, row.share_of_peak, row.intensity_flop_per_byte, row.ratio_to_fp32)
    if not all(1 / _MOST < one < _MOST for one in derived if one is not None):
        raise DecodeError(f"{name}: a figure derived from its latency is 0, or too large to be true")
    if row.latency is not None:
        _require_samples(name, row.latency)


def _require_samples(name: str, latency: Latency) -> None:
    rounds = latency.samples_ms
    if not rounds or not all(rounds) or len(latency.rounds_p50_ms) != len(rounds):
        raise DecodeError(f"{name}: a round has no samples")
    calls = (*itertools.chain(*rounds), latency.p50_ms, latency.p90_ms, latency.p99_ms, *latency.rounds_p50_ms)
    if max(calls) > _LONGEST_MS:
        raise DecodeError(f"{name}: a call took too long to be true")
    if min(calls) < _SHORTEST_MS or latency.ms_per_gmac <= 0:
        raise DecodeError(f"{name}: a call took no time")


def _counted_anew(result: LatencyResult) -> LatencyResult:
    if result.latency is None:
        return result
    latency = counted_anew(result.latency)
    change = result.latency.p50_ms / latency.p50_ms
    return replace(
        result,
        latency=latency,
        gflops=None if result.gflops is None else result.gflops * change,
        share_of_peak=None if result.share_of_peak is None else result.share_of_peak * change,
    )
