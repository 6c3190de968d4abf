"""Photographs from file to file, as rows of text."""

from __future__ import annotations

from edgesr.benchmarks.latency.end_to_end_results import EndToEndResult, EndToEndResults
from edgesr.benchmarks.tables.latency import measured_devices, measured_on
from edgesr.benchmarks.tables.table import DASH, Table


def end_to_end_table(results: EndToEndResults) -> Table:
    """One row an artifact, thread count and device, in a column of its own where there are several; "vs whole": time
    per pixel by that of a run in one piece.
    """
    named = len(measured_devices(results)) > 1
    columns = (
        "artifact",
        "runtime",
        *(("device",) if named else ()),
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
    title = f"A photograph of {width}x{height} pixels from PNG to PNG, on {measured_on(results)}"
    rows = tuple(_end_to_end_row(r) for r in results.results)
    if named:
        rows = tuple((*row[:2], r.key.device, *row[2:]) for r, row in zip(results.results, rows, strict=True))
    return Table(title, columns, rows)


def _end_to_end_row(result: EndToEndResult) -> tuple[str, ...]:
    key, measured = result.key, result.end_to_end
    head = (key.artifact, key.engine, str(key.threads))
    if measured is None:
        return (*head, *[DASH] * 7, result.status)
    glue_ms = measured.tiles_ms - measured.network_ms
    return (
        *head,
        f"{measured.tiles} of {measured.tile_size[0]}x{measured.tile_size[1]}",
        *(f"{ms:.0f}" for ms in (measured.decode_ms, measured.network_ms, glue_ms, measured.encode_ms)),
        f"{measured.glue_share:.2f}",
        f"{measured.ratio_to_whole:.2f}",
        f"{measured.peak_above_runtime_mb:.0f}",
    )
