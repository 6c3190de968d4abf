"""A page of the report, read for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Parsed(HTMLParser):
    """Sections with their commands, resources, scripts and visible text of a page."""

    commands: dict[str, list[str]] = field(default_factory=dict)
    resources: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    section: str = ""
    inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.inside = str(given.get("class") or "") if tag == "pre" else self.inside
        self.resources += [str(given[name]) for name in ("src", "href", "srcset", "data", "action") if name in given]
        self.handlers += [name for name in given if name.startswith("on")]
        if tag == "section":
            self.section = str(given["id"])
            self.commands[self.section] = []

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == "pre" else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside == "command" and data.strip():
            self.commands[self.section].append(data)


def parsed(html: str) -> Parsed:
    parser = Parsed()
    parser.feed(html)
    return parser
