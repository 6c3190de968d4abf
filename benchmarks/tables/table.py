"""Results as rows of text, for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.benchmarks.latency.end_to_end_results import EndToEndResult, EndToEndResults
from edgesr.benchmarks.latency.results import LatencyResult, LatencyResults
from edgesr.benchmarks.parity.check import GoldenParity
from edgesr.benchmarks.parity.results import ParityResult, ParityResults
from edgesr.benchmarks.results.rows import label
from edgesr.runtimes.wording import counted

_DASH = "-"


@dataclass(frozen=True)
class Table:
    """A titled table; every row has as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def shape_text(shape: Sequence[int | None]) -> str:
    """1x3x?x? for a shape with dynamic dimensions."""
    return "x".join("?" if side is None else str(side) for side in shape)


def counts_text(names: Sequence[str]) -> str:
    """Names with their counts, most frequent first: "Conv 14, Add 6"."""
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())


def parity_table(results: ParityResults) -> Table:
    """One row an artifact: its worst golden in each metric; "bilinear dB" is of the golden with the worst PSNR.

    "exact dB" is the worst PSNR of exact arithmetic, "CPU vs exact" the CPU's largest difference from it.
    """
    columns = (
        "artifact",
        "runtime",
        "goldens",
        "worst PSNR dB",
        "bilinear dB",
        "exact dB",
        "CPU vs exact",
        "max error",
        "mean shift",
        "border error",
        "result",
    )
    return Table(
        "Parity, worst golden (errors on the 0..255 scale)", columns, tuple(_parity_row(r) for r in results.results)
    )


def golden_table(results: ParityResults) -> Table:
    """The parity matrix: PSNR in dB of every artifact on every golden."""
    done = [r for r in results.results if r.parity is not None]
    goldens = dict.fromkeys((g.golden, g.k) for r in done if r.parity for g in r.parity.goldens)
    columns = ("artifact", *(golden if k is None else f"{golden}\nk {k:.2g}" for golden, k in goldens))
    rows = tuple((label(r.key), *(_golden_cell(r, golden) for golden, _ in goldens)) for r in done)
    return Table("Parity matrix: PSNR dB against float32 PyTorch", columns, rows)


def latency_table(results: LatencyResults) -> Table:
    """One row an artifact and thread count; the interval is of p50, in MLPerf's rules of p90."""
    columns = (
        "artifact",
        "runtime",
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
    title = f"Latency on this host, one call at a time, {rounds}; {_stated(results)} counts"
    return Table(title, columns, tuple(_latency_row(r, _stated(results)) for r in results.results))


def latency_notes(results: LatencyResults) -> list[str]:
    """The machine's limits, and a warning for every sign that it was not steady."""
    lines = [
        f"{counted(one.threads, 'thread')}: sgemm {one.sgemm_gflops:.0f} GFLOP/s, "
        f"copy {one.bandwidth_gb_per_s:.1f} GB/s"
        for one in results.limits
    ]
    return [*lines, *(f"warning: {warning}" for warning in results.warnings)]


def end_to_end_table(results: EndToEndResults) -> Table:
    """One row an artifact and thread count; "vs whole": time per pixel by that of a run in one piece."""
    columns = (
        "artifact",
        "runtime",
        "threads",
        "tiles",
        "decode ms",
        "network ms",
        "glue ms",
        "encode ms",
        "glue share",
        "vs whole",
        "peak above runtime MB",
    )
    height, width = results.settings.size
    title = f"A photograph of {width}x{height} pixels from PNG to PNG, on this host"
    return Table(title, columns, tuple(_end_to_end_row(r) for r in results.results))


def not_measured(results: ParityResults | LatencyResults | EndToEndResults) -> list[str]:
    """One line for every artifact that was not measured, or failed, with its reason."""
    lines = [f"{label(r.key)}: {r.status}: {r.reason}" for r in results.results if r.status != "done"]
    if isinstance(results, ParityResults):
        for result in results.results:
            for golden in result.parity.goldens if result.parity else ():
                lines += [f"{label(result.key)} on {golden.golden}: {message}" for message in golden.failures]
    return lines


def difference_causes(results: ParityResults) -> list[str]:
    """One line for every artifact that this CPU computes otherwise than exact arithmetic does, with the reason."""
    lines = []
    for result in results.results:
        if result.parity is not None and result.parity.difference_cause is not None:
            largest = _host_vs_exact(result.parity.goldens)
            lines.append(
                f"{label(result.key)} ({result.key.runtime}) differs from exact arithmetic by up to {largest}: "
                f"{result.parity.difference_cause}"
            )
    return lines


def _parity_row(result: ParityResult) -> tuple[str, ...]:
    key = result.key
    if result.parity is None:
        return (label(key), key.runtime, *[_DASH] * 8, result.status)
    goldens = result.parity.goldens
    worst = min(goldens, key=_psnr_order)
    shifts = [abs(s) for g in goldens for s in g.mean_shift]
    return (
        label(key),
        key.runtime,
        str(len(goldens)),
        _psnr(worst),
        _bilinear(worst),
        _exact_psnr(goldens),
        _host_vs_exact(goldens),
        _largest([g.max_abs_error for g in goldens]),
        _largest([*shifts]),
        _largest([g.border_max_abs_error for g in goldens]),
        "pass" if result.passed else "FAIL",
    )


def _stated(results: LatencyResults) -> str:
    return "p90" if results.settings.mlperf else "p50"


def _latency_row(result: LatencyResult, stated: str) -> tuple[str, ...]:
    key, latency = result.key, result.latency
    head = (key.artifact, key.runtime, str(key.threads))
    if latency is None:
        return (*head, *[_DASH] * 9, result.status)
    low, high = latency.p90_interval_ms if stated == "p90" else latency.p50_interval_ms
    return (
        *head,
        f"{latency.size[0]}x{latency.size[1]}",
        f"{latency.load_ms:.0f}, {latency.first_call_ms:.1f}",
        *(f"{t:.1f}" for t in (latency.p50_ms, latency.p90_ms, latency.p99_ms)),
        f"{low:.1f}..{high:.1f}",
        _DASH if result.ratio_to_fp32 is None else f"{result.ratio_to_fp32:.2f}",
        _DASH if result.share_of_peak is None else f"{result.share_of_peak:.0%}",
        f"{latency.peak_rss_mb:.0f}",
        str(sum(map(len, latency.samples_ms))),
    )


def _end_to_end_row(result: EndToEndResult) -> tuple[str, ...]:
    key, measured = result.key, result.end_to_end
    head = (key.artifact, key.runtime, str(key.threads))
    if measured is None:
        return (*head, *[_DASH] * 7, result.status)
    glue_ms = measured.tiles_ms - measured.network_ms
    return (
        *head,
        f"{measured.tiles} of {measured.tile_size[0]}x{measured.tile_size[1]}",
        *(f"{ms:.0f}" for ms in (measured.decode_ms, measured.network_ms, glue_ms, measured.encode_ms)),
        f"{measured.glue_share:.2f}",
        f"{measured.ratio_to_whole:.2f}",
        f"{measured.peak_above_runtime_mb:.0f}",
    )


def _golden_cell(result: ParityResult, golden_id: str) -> str:
    assert result.parity is not None
    found = [g for g in result.parity.goldens if g.golden == golden_id]
    return _psnr(found[0]) if found else _DASH


def _psnr_order(golden: GoldenParity) -> float:
    if golden.psnr_db is None:
        return float("inf") if golden.max_abs_error == 0 else float("-inf")
    return golden.psnr_db


def _psnr(golden: GoldenParity) -> str:
    if golden.psnr_db is None:
        return "exact" if golden.max_abs_error == 0 else "not finite"
    return f"{golden.psnr_db:.1f}"


def _bilinear(golden: GoldenParity) -> str:
    return "exact" if golden.bilinear_psnr_db is None else f"{golden.bilinear_psnr_db:.1f}"


def _exact_psnr(goldens: tuple[GoldenParity, ...]) -> str:
    known = [g.exact_psnr_db for g in goldens if g.exact_psnr_db is not None]
    if known:
        return f"{min(known):.1f}"
    return _DASH if all(g.exact_max_difference is None for g in goldens) else "exact"


def _host_vs_exact(goldens: tuple[GoldenParity, ...]) -> str:
    known = [g.exact_max_difference for g in goldens if g.exact_max_difference is not None]
    return f"{max(known):.2g}" if known else _DASH


def _largest(values: list[float | None]) -> str:
    return "not finite" if not values or None in values else f"{max(v for v in values if v is not None):.2g}"
