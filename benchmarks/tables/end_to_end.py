"""Photographs from file to file, as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.latency.end_to_end_results import EndToEndResult, EndToEndResults
from edgesr.benchmarks.state.warnings import state_warnings
from edgesr.benchmarks.tables.latency import measured_devices, measured_on
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.state import state_table
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.wording import counted


def end_to_end_table(results: EndToEndResults) -> Table:
    """One row an artifact, thread count and device, in a column of its own where there are several.

    "network waits": from file to file without the network's calls; "vs whole": time per pixel divided by that of a run
    in one piece.
    """
    named = len(measured_devices(results)) > 1
    columns = (
        "artifact",
        "runtime",
        *(("device",) if named else ()),
        "threads",
        "tiles",
        "network ms",
        "network waits ms",
        "file to file ms",
        "waiting share",
        "vs whole",
        "peak above runtime MB",
    )
    height, width = results.settings.size
    title = f"A photograph of {width}x{height} pixels from PNG to PNG, on {measured_on(results)}"
    rows = tuple(_end_to_end_row(r) for r in results.results)
    if named:
        rows = tuple((*row[:2], r.key.device, *row[2:]) for r, row in zip(results.results, rows, strict=True))
    return Table(title, columns, rows)


def end_to_end_states(results: EndToEndResults) -> Table:
    """The state of the device during each run; no rows of files of earlier versions."""
    return state_table((r.key, r.end_to_end.state) for r in results.results if r.end_to_end and r.end_to_end.state)


def end_to_end_notes(results: EndToEndResults) -> list[str]:
    """Lines that name what was not measured, and a warning for every sign of the device's state that makes a figure
    doubtful.
    """
    several = len(measured_devices(results)) > 1
    named = {(f"{r.key.device}, " if several else "") + _name(r): r for r in results.results}
    states = {
        name: r.end_to_end.state
        for name, r in named.items()
        if r.end_to_end is not None and r.end_to_end.state is not None
    }
    return [*not_measured(results), *(f"warning: {one}" for one in state_warnings(states))]


def _name(result: EndToEndResult) -> str:
    return f"{result.key.artifact} on {result.key.engine}, {counted(result.key.threads, 'thread')}"


def _end_to_end_row(result: EndToEndResult) -> tuple[str, ...]:
    key, measured = result.key, result.end_to_end
    head = (key.artifact, key.engine, str(key.threads))
    if measured is None:
        return (*head, *[DASH] * 6, result.status)
    waits_ms = measured.whole_ms - measured.network_ms
    return (
        *head,
        f"{measured.tiles} of {measured.tile_size[0]}x{measured.tile_size[1]}",
        *(f"{ms:.0f}" for ms in (measured.network_ms, waits_ms, measured.whole_ms)),
        f"{waits_ms / measured.whole_ms:.2f}",
        f"{measured.ratio_to_whole:.2f}",
        f"{measured.peak_above_runtime_mb:.0f}",
    )
