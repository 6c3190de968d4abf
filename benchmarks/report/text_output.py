"""The tables of a report as Markdown and as CSV files; CSV has moreover every golden, call and window in full."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgesr.benchmarks.report.data import ReportData, rounds_ms
from edgesr.benchmarks.report.section import Section
from edgesr.benchmarks.sustained.results import SustainedResults
from edgesr.benchmarks.sustained.windows import Window
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.files import require_creatable, write_atomically
from edgesr.runtimes.wording import moment

_MARKDOWN_MARKS = re.compile(r"([\\`*_\[\]|])")


def markdown(title: str, sections: Sequence[Section]) -> str:
    """All sections: command, text, tables, notes."""
    blocks = [f"# {_marked(title)}"]
    for section in sections:
        blocks += [f"## {section.title}", "\n".join(f"    {_one_line(command)}" for command in section.commands)]
        blocks += [_marked(part) for part in (section.missing, section.text) if part]
        for table in section.tables:
            blocks += [f"**{_marked(table.title)}**", _markdown_table(table)]
        if section.notes:
            blocks.append("\n".join(f"- {_marked(note)}" for note in section.notes))
    return "\n\n".join(blocks) + "\n"


def csv_files(found: ReportData, sections: Sequence[Section]) -> dict[str, str]:
    """Content of the CSV files by name."""
    files = {}
    for section in sections:
        for index, table in enumerate(section.tables):
            name = section.id if index == 0 else f"{section.id}-{index + 1}"
            files[f"{name}.csv"] = _csv([[_one_line(c) for c in table.columns], *table.rows])
    if found.parity is not None:
        files["goldens.csv"] = _csv(_golden_rows(found))
    if found.latency is not None:
        files["calls.csv"] = _csv(_call_rows(found))
    if found.sustained is not None:
        files["windows.csv"] = _csv(_window_rows(found.sustained))
    return files


def write_csv_files(folder: Path, files: dict[str, str]) -> None:
    """Write them into a folder, which is created; other files in it stay."""
    require_creatable(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_atomically(folder / name, as_utf8(content))


def as_utf8(text: str) -> bytes:
    """UTF-8, with an escape for what is no text in the name of a file."""
    return text.encode(errors="backslashreplace")


def _golden_rows(found: ReportData) -> Iterable[Sequence[object]]:
    columns: list[str] | None = None
    for result in found.parity.results if found.parity else ():
        for golden in result.parity.goldens if result.parity else ():
            values = dataclasses.asdict(golden)
            values["mean_shift"] = " ".join(map(str, golden.mean_shift))
            values["failures"] = "; ".join(golden.failures)
            if columns is None:
                columns = list(values)
                yield ["artifact", "runtime", "device", *columns]
            yield [result.key.artifact, result.key.engine, result.key.device, *values.values()]


def _call_rows(found: ReportData) -> Iterable[Sequence[object]]:
    yield ["artifact", "runtime", "threads", "device", "round", "call", "ms"]
    for result in found.latency.results if found.latency else ():
        key = result.key
        for number, samples in enumerate(rounds_ms(result), 1):
            for call, sample in enumerate(samples, 1):
                yield [key.artifact, key.engine, key.threads, key.device, number, call, sample]


def _window_rows(found: SustainedResults) -> Iterable[Sequence[object]]:
    columns = [field.name for field in dataclasses.fields(Window)]
    yield ["artifact", "runtime", "threads", "device", *columns]
    for result in found.results:
        key = result.key
        for window in result.sustained.windows if result.sustained else ():
            yield [key.artifact, key.engine, key.threads, key.device, *(getattr(window, name) for name in columns)]


def _csv(rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _markdown_table(table: Table) -> str:
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    head, rule, *rows = lines
    shown = [[_marked(cell) for cell in head], rule, *[[_marked(cell) for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(row) + " |" for row in shown)


def _marked(text: str) -> str:
    """Text on one line that Markdown shows as it is, with dates that people read."""
    return _MARKDOWN_MARKS.sub(r"\\\1", html.escape(_one_line(moment(text)), quote=False))


def _one_line(text: str) -> str:
    return " ".join(text.split())
