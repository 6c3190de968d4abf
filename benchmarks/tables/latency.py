"""Latency as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults
from edgesr.benchmarks.tables.execution import execution_lines
from edgesr.benchmarks.tables.state import state_table
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.wording import counted


def latency_table(results: LatencyResults) -> Table:
    """One row an artifact, thread count and device, in a column of its own where there are several; the interval is
    of p50, in MLPerf's rules of p90.
    """
    named = len(measured_devices(results)) > 1
    columns = (
        "artifact",
        "runtime",
        *(("device",) if named else ()),
        "threads",
        "input",
        "load, first ms",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        f"95% of {_stated(results)}",
        "vs fp32",
        "of peak",
        "peak MB",
        "calls",
    )
    rounds = counted(results.rounds, "round")
    title = f"Latency on {measured_on(results)}, one call at a time, {rounds}; {_stated(results)} counts"
    rows = tuple(_latency_row(r, _stated(results)) for r in results.results)
    if named:
        rows = tuple((*row[:2], r.key.device, *row[2:]) for r, row in zip(results.results, rows, strict=True))
    return Table(title, columns, rows)


def measured_devices(results: LatencyResults | EndToEndResults) -> list[str]:
    """The devices of a file, in its order."""
    return list(dict.fromkeys(result.key.device for result in results.results))


def latency_states(results: LatencyResults) -> Table:
    """The state of the device while each row was timed; no rows of files of earlier versions."""
    return state_table((r.key, r.latency.state) for r in results.results if r.latency and r.latency.state)


def latency_notes(results: LatencyResults) -> list[str]:
    """The machine's limits, what ran the operators, and a warning for every sign that it was not steady."""
    several = len(measured_devices(results)) > 1
    lines = [
        f"{f'{one.device}, ' if several else ''}{counted(one.threads, 'thread')}: "
        f"sgemm {one.sgemm_gflops:.0f} GFLOP/s, copy {one.bandwidth_gb_per_s:.1f} GB/s"
        for one in results.limits
    ]
    ran = execution_lines((r.key, r.latency.execution) for r in results.results if r.latency is not None)
    return [*lines, *ran, *(f"warning: {warning}" for warning in results.warnings)]


def measured_on(results: LatencyResults | EndToEndResults) -> str:
    """The devices in words, with what belongs next to their results."""
    notes = {one.name: f" ({one.note})" for one in results.devices if one.note}
    names = ["this host" if name == HOST else f"{name}{notes.get(name, '')}" for name in measured_devices(results)]
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1] if names else "this host") if part)


def _stated(results: LatencyResults) -> str:
    return "p90" if results.settings.mlperf else "p50"


def _latency_row(result: LatencyResult, stated: str) -> tuple[str, ...]:
    key, latency = result.key, result.latency
    head = (key.artifact, key.engine, str(key.threads))
    if latency is None:
        return (*head, *[DASH] * 9, result.status)
    low, high = latency.p90_interval_ms if stated == "p90" else latency.p50_interval_ms
    return (
        *head,
        f"{latency.size[0]}x{latency.size[1]}",
        f"{latency.load_ms:.0f}, {latency.first_call_ms:.1f}",
        *(f"{t:.1f}" for t in (latency.p50_ms, latency.p90_ms, latency.p99_ms)),
        f"{low:.1f}..{high:.1f}",
        DASH if result.ratio_to_fp32 is None else f"{result.ratio_to_fp32:.2f}",
        DASH if result.share_of_peak is None else f"{result.share_of_peak:.0%}",
        f"{latency.peak_rss_mb:.0f}",
        str(sum(map(len, latency.samples_ms))),
    )
