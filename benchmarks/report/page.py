"""The HTML page: everything inline, and a content policy that forbids any request."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgesr.benchmarks.report.data import ReportData
from edgesr.benchmarks.report.drawn.pictures import INTERPOLATIONS
from edgesr.benchmarks.report.section import Section
from edgesr.benchmarks.report.summary import parity_counts
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.wording import counted, moment

_NUMBER = re.compile(r"[-+]?\d")


@dataclass(frozen=True, kw_only=True)
class Page:
    """All values that the template shows."""

    title: str
    data: ReportData
    sections: tuple[Section, ...]
    created_utc: str


def render(page: Page) -> str:
    """The whole page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("edgesr.benchmarks.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["script_json"] = script_json
    environment.filters["word_columns"] = word_columns
    environment.filters["moment"] = moment
    environment.filters["counted"] = counted
    plots = {p.id: p.figure for section in page.sections for p in section.plots}
    pictures = next((s.pictures for s in page.sections if s.pictures is not None), None)
    slider = {
        "uris": pictures.uris if pictures else (),
        "references": (*INTERPOLATIONS, page.data.reference),
        "photographs": [{"name": c.name, "pictures": c.pictures} for c in (pictures.compared if pictures else ())],
    }
    return environment.get_template("report.html.j2").render(
        page=page,
        manifest=page.data.bundle.manifest,
        counts=parity_counts(page.data),
        plots=plots,
        slider=slider,
        style=_source(environment, "report.css"),
        script=_source(environment, "report.js"),
        plotly=_plotly() if plots else "",
    )


def word_columns(table: Table) -> list[bool]:
    """Whether none of a column's cells begins with a number, for every column: such columns read better from the
    left.
    """
    return [not any(_NUMBER.match(row[place]) for row in table.rows) for place in range(len(table.columns))]


def script_json(value: object) -> Any:
    """JSON for the inside of a script element: no markup can end it."""
    from markupsafe import Markup

    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - every character that HTML reads is escaped above


def _source(environment: Any, name: str) -> Any:
    """A file of our own templates, as it is."""
    from markupsafe import Markup

    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704 - a file of this package


@cache
def _plotly() -> Any:
    """The library that draws the figures."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs().replace("</script", "<\\/script"))  # noqa: S704 - a file of plotly's package
