"""The tables of docs/peers.md, made of the file of results alone, and put between marks of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from peer_results import OTHERS, OURS, PeerResults, QualityPart, QualityRow
from peer_time_tables import time_section, wrapped

from edgesr.runtimes.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A field of `Quality`, and how it is shown. ``sign``: 1 where larger is better, otherwise -1."""

    field: str
    title: str
    digits: int
    sign: int

    def text(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


METRICS = (
    Metric(field="psnr_y_db", title="PSNR Y, dB", digits=2, sign=1),
    Metric(field="psnr_rgb_db", title="PSNR RGB, dB", digits=2, sign=1),
    Metric(field="ssim", title="SSIM", digits=3, sign=1),
    Metric(field="st_lpips", title="ST-LPIPS", digits=3, sign=-1),
)


def filled(page: str, results: PeerResults) -> str:
    """The page with every part between `<!-- NAME -->` and `<!-- end NAME -->` made anew."""
    for name, part in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise InputError(f"the page has no marks '{begin.strip()}' and '{end}'; put them back")
        page = f"{before}{begin}\n{part(results)}\n{end}{after}"
    return page


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def ahead(results: PeerResults) -> str:
    """Rows in which the best of the others is better than the best of the weights that edgesr ships."""
    part = results.quality
    if part is None:
        return ""
    sets = _distinct(row.data for row in part.rows)
    rows = []
    for degradation in _distinct(row.degradation for row in part.rows):
        for metric in METRICS:
            cells = [_lead(part, degradation, data, metric) for data in sets]
            if any(cells):
                rows.append([degradation, metric.title, *(cell or "edgesr leads" for cell in cells)])
    return markdown(["input", "measure", *sets], rows)


def quality_table(results: PeerResults, degradation: str) -> str:
    """All methods under one degradation, the best of each column in bold; below it why figures are missing."""
    part = results.quality
    if part is None:
        return ""
    sets = _distinct(row.data for row in part.rows)
    found = {(row.method, row.data): row for row in part.rows if row.degradation == degradation}
    rows = []
    for method, title in part.titles.items():
        of_sets = [found.get((method, data)) for data in sets]
        rows.append([title, *(_cell(part, row, group) for group in (METRICS[:3], METRICS[3:]) for row in of_sets)])
    header = [f"input {degradation}", *(f"{data}: PSNR Y / RGB / SSIM" for data in sets)]
    table = markdown([*header, *(f"{data}: ST-LPIPS" for data in sets)], rows)
    missing = [f"{part.titles[row.method]}, {row.data}: {row.failure}." for row in found.values() if row.failure]
    return "\n".join([table, *map(wrapped, missing)])


def _cell(part: QualityPart, row: QualityRow | None, metrics: Sequence[Metric]) -> str:
    if row is None or row.mean is None:
        return "-"
    return " / ".join(_shown(part, row, metric) for metric in metrics)


def _shown(part: QualityPart, row: QualityRow, metric: Metric) -> str:
    text = metric.text(_value(row, metric))
    rivals = [one for one in part.rows if (one.data, one.degradation) == (row.data, row.degradation) and one.mean]
    best = max(metric.sign * _value(one, metric) for one in rivals)
    return f"**{text}**" if text == metric.text(metric.sign * best) else text


def _lead(part: QualityPart, degradation: str, data: str, metric: Metric) -> str | None:
    """The best of the others next to our best; None where ours is at least as good."""
    rows = [row for row in part.rows if (row.degradation, row.data) == (degradation, data) and row.mean]

    def best(groups: tuple[str, ...]) -> QualityRow:
        of_groups = (row for row in rows if part.groups[row.method] in groups)
        return max(of_groups, key=lambda row: metric.sign * _value(row, metric))

    other, own = best(OTHERS), best(OURS)
    if metric.sign * (_value(other, metric) - _value(own, metric)) <= 0:
        return None
    return f"{part.titles[other.method]}: {metric.text(_value(other, metric))} ({metric.text(_value(own, metric))})"


def _value(row: QualityRow, metric: Metric) -> float:
    value = getattr(row.mean, metric.field)
    if value is None:
        raise InputError(f"{row.method} on {row.data}: {metric.field} was not measured")
    return float(value)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def measured_where(results: PeerResults) -> str:
    """Versions and machine of the quality figures."""
    part = results.quality
    if part is None:
        return ""
    versions = ", ".join(f"{package} {version}" for package, version in part.versions.items())
    images = ", ".join(f"{data} {count}" for data, count in {row.data: row.images for row in part.rows}.items())
    return wrapped(f"{part.created_utc[:10]}, {part.environment.cpu}. Images: {images}. Versions: {versions}.")


PARTS: dict[str, Callable[[PeerResults], str]] = {
    "ahead": ahead,
    "clean": lambda results: quality_table(results, "clean"),
    "noise:8": lambda results: quality_table(results, "noise:8"),
    "jpeg:30": lambda results: quality_table(results, "jpeg:30"),
    "versions": measured_where,
    "time": time_section,
}
