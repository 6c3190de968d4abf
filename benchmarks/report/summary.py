"""Tables that only the report has: summary, artifacts, limits of the machine, environment."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.benchmarks.jobs import HOST, NOT_HERE
from edgesr.benchmarks.latency.results import LatencyResult
from edgesr.benchmarks.machine.environment import Environment
from edgesr.benchmarks.parity.results import ParityResult
from edgesr.benchmarks.report import data
from edgesr.benchmarks.report.data import ReportData, Subject
from edgesr.benchmarks.report.tradeoff import tradeoff
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.bundle.manifest import Artifact, Manifest
from edgesr.runtimes.bundle.size_bounds import taken_sizes


@dataclass(frozen=True)
class Counts:
    """Numbers of artifacts that passed, failed, and were not checked."""

    passed: int
    failed: int
    unknown: int


def parity_counts(found: ReportData) -> Counts:
    """The parity counts of all artifacts on all of their runtimes and devices, as in the summary."""
    parts = [data.of_device(found, device) for device in data.devices(found)]
    states = [_state(data.parity_of(part, subject)) for part in parts for subject in data.subjects(part)]
    passed, unknown = states.count("pass"), sum(state in (*NOT_HERE, DASH) for state in states)
    return Counts(passed, len(states) - passed - unknown, unknown)


def summary_table(found: ReportData) -> Table:
    """One row for each artifact and runtime, and each provider that was measured."""
    columns = (
        "artifact",
        "runtime",
        "precision",
        "parity",
        "worst PSNR dB",
        "p50 ms",
        "95%",
        "vs fp32",
        "peak MB",
        "file kB",
    )
    rows = tuple(_summary_row(found, subject) for subject in data.subjects(found))
    return Table("Artifacts at a glance", columns, rows)


def device_table(found: ReportData) -> Table:
    """One row a device: what it is, its parity, and the fastest artifact of those that passed there."""
    columns = (
        *("device", "fastest within parity", "runtime", "p50 ms", "95%", "worst PSNR dB", "file kB", "parity"),
        *("CPU", "system"),
    )
    return Table(
        "Devices, each with its fastest artifact",
        columns,
        tuple(_device_row(found, name) for name in data.devices(found)),
    )


def artifact_table(manifest: Manifest) -> Table:
    """One row a file."""
    columns = ("artifact", "format", "graph", "precision", "LR size", "padding", "MAC/HR pixel", "file kB", "runs in")
    rows = tuple(
        (
            artifact.id,
            artifact.format,
            artifact.graph,
            artifact.precision,
            _size(artifact),
            artifact.padding,
            f"{artifact.mac_per_hr_pixel:.0f}",
            f"{artifact.size_bytes / 1e3:.0f}",
            ", ".join(f"{name} {version} or later" for name, version in artifact.least_runtime.items()),
        )
        for artifact in manifest.artifacts
    )
    return Table("Files of the bundle", columns, rows)


def limits_table(found: ReportData) -> Table:
    """A table of the limits that were measured on the machine."""
    rows = tuple(
        (str(roof.threads), f"{roof.sgemm_gflops:.1f}", f"{roof.bandwidth_gb_per_s:.1f}")
        for roof in data.roofs(found.latency)
    )
    return Table("Limits of the machine", ("threads", "sgemm GFLOP/s", "bandwidth GB/s"), rows)


def roofline_table(found: ReportData) -> Table:
    """A table of the share of these limits that every artifact reached."""
    rows = []
    for result in found.latency.results if found.latency else ():
        point, share = data.roofline_point(result), result.share_of_peak
        if point is not None:
            key = result.key
            part = DASH if share is None else f"{share:.0%}"
            rows.append((key.artifact, key.engine, str(key.threads), f"{point[0]:.1f}", f"{point[1]:.1f}", part))
    columns = ("artifact", "runtime", "threads", "FLOP/byte", "GFLOP/s", "of peak")
    return Table("Speed against the limits", columns, tuple(rows))


def environment_tables(found: ReportData) -> tuple[Table, ...]:
    """A row a fact, a column a result file; empty without files."""
    results = {
        "parity": found.parity,
        "latency": found.latency,
        "sustained": found.sustained,
        "file to file": found.end_to_end,
        "quality": found.quality,
    }
    there = {name: one for name, one in results.items() if one is not None}
    if not there:
        return ()
    facts = [_facts(one.created_utc, one.environment) for one in there.values()]
    names = dict.fromkeys(name for one in facts for name in one)
    rows = tuple((name, *(one.get(name, DASH) for one in facts)) for name in names)
    return (Table("Where it was measured", ("", *there), rows),)


def _facts(created: str, environment: Environment) -> dict[str, str]:
    return {
        "created": created,
        "system": environment.system,
        "machine": environment.machine,
        "cpu": environment.cpu,
        "logical cores": str(environment.logical_cores),
        "python": environment.python,
        **environment.packages,
    }


def _device_row(found: ReportData, device: str) -> tuple[str, ...]:
    part = data.of_device(found, device)
    results = part.parity.results if part.parity else ()
    there = [result for result in results if result.status not in NOT_HERE]
    passed = sum(result.passed for result in there)
    cpu, system = _machine(found, device)
    return (
        device,
        *_fastest(part),
        f"{passed} of {len(there)} pass" if there else DASH,
        cpu,
        system,
    )


def _machine(found: ReportData, device: str) -> tuple[str, str]:
    """CPU and system of a device, as its result file tells them."""
    for results in (found.latency, found.parity):
        if results is not None and device == HOST:
            return results.environment.cpu, results.environment.system
        for one in results.devices if results is not None else ():
            if one.name == device:
                return one.cpu, one.system or DASH
    return DASH, DASH


def _fastest(part: ReportData) -> tuple[str, ...]:
    """Cells of the artifact that takes least time an output pixel, of those whose parity passed on that device."""
    trade = tradeoff(part)
    passed = {(r.key.artifact, r.key.engine) for r in part.parity.results if r.passed} if part.parity else set()
    points = [one for one in trade.points if (one.artifact, one.engine) in passed] if trade else []
    if not points:
        return (DASH,) * 6
    best = min(points, key=lambda one: one.ms_per_megapixel)
    low, high = (one * best.p50_ms / best.ms_per_megapixel for one in best.interval)
    return (
        best.artifact,
        best.engine,
        f"{best.p50_ms:.1f}",
        f"{low:.1f}..{high:.1f}",
        "exact" if best.psnr_db is None else f"{best.psnr_db:.1f}",
        f"{best.size_kb:.0f}",
    )


def _summary_row(found: ReportData, subject: Subject) -> tuple[str, ...]:
    artifact, parity = subject.artifact, data.parity_of(found, subject)
    return (
        artifact.id,
        subject.engine,
        artifact.precision,
        _state(parity),
        _worst_psnr(parity),
        *_latency_cells(_latency_result(found, subject)),
        f"{artifact.size_bytes / 1e3:.0f}",
    )


def _state(parity: ParityResult | None) -> str:
    if parity is None:
        return DASH
    if parity.status != "done":
        return parity.status
    return "pass" if parity.passed else "FAIL"


def _worst_psnr(parity: ParityResult | None) -> str:
    worst = data.worst_golden(parity) if parity else None
    if worst is None:
        return DASH
    if worst.psnr_db is None:
        return "exact" if worst.max_abs_error == 0 else "not finite"
    return f"{worst.psnr_db:.1f}"


def _latency_result(found: ReportData, subject: Subject) -> LatencyResult | None:
    if found.latency is None or not found.latency.results:
        return None
    results = data.measured(found.latency, data.fewest_threads(found.latency))
    return next((r for r in results if subject.is_of(r.key)), None)


def _latency_cells(result: LatencyResult | None) -> tuple[str, str, str, str]:
    if result is None or result.latency is None:
        return DASH, DASH, DASH, DASH
    ratio = DASH if result.ratio_to_fp32 is None else f"{result.ratio_to_fp32:.2f}"
    latency = result.latency
    low, high = latency.p50_interval_ms
    return f"{latency.p50_ms:.1f}", f"{low:.1f}..{high:.1f}", ratio, f"{latency.peak_rss_mb:.0f}"


def _size(artifact: Artifact) -> str:
    if artifact.tile_size is None:
        return taken_sizes(None, artifact.bounds)
    height, width = artifact.tile_size
    return f"{height}x{width}" + (", resizable" if any(use.resizable for use in artifact.uses) else "")
