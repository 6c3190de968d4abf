"""The metrics of a training run, one JSON object a line: its step and other figures by name.

A picture that is reproduced exactly has an infinite PSNR, which JSON does not have: it is written as null. Files of
0.1.0 hold Infinity there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

from edgesr.runtimes.json_file import MAX_BYTES, JsonError, parse_json
from edgesr.runtimes.wording import shown_name

MetricsRow = dict[str, float]

_LARGEST = 3.4028235e38
_INFINITE, _NULL = b": Infinity", b": null"


def metrics_text(rows: Iterable[MetricsRow]) -> str:
    """The lines of some rows."""
    finite = ({name: None if value == math.inf else value for name, value in row.items()} for row in rows)
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in finite)


def read_metrics(path: Path) -> list[MetricsRow]:
    """Rows in ascending order of their steps; raises a ValueError that names the first line that is none."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"has {size} bytes, more than {MAX_BYTES}")
    rows: list[MetricsRow] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = _row(parse_json(line.replace(_INFINITE, _NULL)))
        except JsonError as error:
            raise ValueError(f"line {number} {error}") from error
        if rows and row["step"] <= rows[-1]["step"]:
            raise ValueError(f"line {number} has the step {row['step']} after the step {rows[-1]['step']}")
        rows.append(row)
    return rows


def _row(value: object) -> MetricsRow:
    if not isinstance(value, dict):
        raise JsonError(f"holds no JSON object but a {type(value).__name__}")
    step = value.get("step")
    if type(step) is not int or step < 1:
        raise JsonError(f"has the step {shown_name(step)}: need a whole number above 0")
    for name, figure in value.items():
        if figure is not None and type(figure) not in (int, float):
            raise JsonError(f"has a {type(figure).__name__} as {shown_name(name)}: need a number")
        if figure is not None and abs(figure) > _LARGEST:
            raise JsonError(f"has {shown_name(figure)} as {shown_name(name)}: need a number that float32 holds")
    return {name: math.inf if figure is None else figure for name, figure in value.items()}
