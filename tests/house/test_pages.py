"""README, CONTRIBUTING and the pages of docs: length of lines, links, headings that links name, and README's size."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.helpers.places import ROOT

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COLUMNS = 120
README_LINES = 100
LINK = re.compile(r"(?P<picture>!?)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
LINK_ALONE = re.compile(rf"(?:[-*] )?{LINK.pattern}[.,]?")
CODE = re.compile(r"^```.*?^```$|^(?: {4}[^\n]*\n)+", re.MULTILINE | re.DOTALL)
WEB = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_are_at_most_120_columns(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if _is_too_long(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert [target for target in _targets(page) if _fault(page, target)] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [README]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.is_file():
            reached.add(page)
            waiting += [_file(page, target) for target in _targets(page) if _path(target).endswith(".md")]
    assert [page.name for page in PAGES if page not in reached] == []


def test_readme_fits_two_screens() -> None:
    text = README.read_text()
    prose = _prose(text)
    assert len(text.splitlines()) <= README_LINES
    assert len(re.findall(r"^\|[-| :]+\|$", prose, re.MULTILINE)) == 1
    assert [bool(found["picture"]) for found in LINK.finditer(prose)].count(True) == 1


def test_faults_of_a_page_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two words, `code`\n\n[good](page.md#two-words-code) [here](#two-words-code) [away](https://a.example)\n"
        "[lost](absent.md)\n![lost](absent.png)\n[no heading](#three)\n\n    [code](skipped.md)\n\n"
        "```\n[code](skipped.md)\n# no heading\n```\n[no heading](page.md#no-heading)\n"
    )
    assert [target for target in _targets(page) if _fault(page, target)] == [
        "absent.md",
        "absent.png",
        "#three",
        "page.md#no-heading",
    ]
    assert [_is_too_long(line) for line in ("a" * 120, "a" * 121, "|" + "a" * 130, f"- [a]({'b' * 130})")] == [
        False,
        True,
        False,
        False,
    ]


def _is_too_long(line: str) -> bool:
    return len(line) > COLUMNS and not line.startswith("|") and LINK_ALONE.fullmatch(line) is None


def _prose(text: str) -> str:
    return CODE.sub("", text)


def _targets(page: Path) -> list[str]:
    found = (match["target"] for match in LINK.finditer(_prose(page.read_text())))
    return [target for target in found if not target.startswith(WEB)]


def _path(target: str) -> str:
    return unquote(target.partition("#")[0])


def _file(page: Path, target: str) -> Path:
    return (page.parent / _path(target)).resolve() if _path(target) else page


def _fault(page: Path, target: str) -> bool:
    """Whether the file of a link is missing, or the heading that it names."""
    file, _, heading = _file(page, target), *target.partition("#")[1:]
    return not file.exists() or (bool(heading) and heading not in _headings(file))


def _headings(page: Path) -> list[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#{1,6} (.+)$", _prose(page.read_text()), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", _plain(title).lower()).strip().replace(" ", "-") for title in titles]


def _plain(title: str) -> str:
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
