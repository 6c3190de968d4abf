"""Quality as rows of text, for the terminal."""

from __future__ import annotations

from edgesr.benchmarks.quality.figures import FIGURES, Quality
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.tables.table import Table
from edgesr.runtimes.wording import counted

_TITLES = tuple(figure.title for figure in FIGURES)
_SHOWN_SKIPPED = 5


def image_quality_table(results: QualityResults) -> Table:
    """One row for each image and candidate."""
    rows = tuple(
        (image.image, result.candidate, *_figures(result.images[place]))
        for place, image in enumerate(results.images)
        for result in results.results
    )
    return Table("Quality of each image", ("image", "candidate", *_TITLES), rows)


def mean_quality_table(results: QualityResults) -> Table:
    """One row a candidate."""
    images = counted(len(results.images), "image")
    title = f"Mean quality of {images} of {results.data}, x{results.scale}, {results.degradation}"
    return Table(title, ("candidate", *_TITLES), tuple((r.candidate, *_figures(r.mean)) for r in results.results))


def quality_notes(results: QualityResults) -> list[str]:
    """One line each for what was left out: images, and the perceptual distance."""
    lines = []
    if results.skipped:
        listed = "; ".join(f"{s.image}: {s.reason}" for s in results.skipped[:_SHOWN_SKIPPED])
        more = "; ..." if len(results.skipped) > _SHOWN_SKIPPED else ""
        lines.append(f"skipped {counted(len(results.skipped), 'image')}: {listed}{more}")
    if results.st_lpips_weights is None:
        lines.append("ST-LPIPS was not measured, its package is not installed: pip install 'edgesr[perceptual]'")
    return lines


def _figures(quality: Quality) -> tuple[str, ...]:
    return tuple(figure.text(quality) for figure in FIGURES)
