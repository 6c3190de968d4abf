"""Make a report: read the result files, run the artifacts on photographs, write the page and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.report.commands import report_command
from edgesr.benchmarks.report.data import ReportData, ReportFiles, read_data
from edgesr.benchmarks.report.drawn.pictures import make_pictures
from edgesr.benchmarks.report.page import Page, render
from edgesr.benchmarks.report.section import Section
from edgesr.benchmarks.report.sections import make_sections
from edgesr.benchmarks.report.text_output import as_utf8, csv_files, markdown, write_csv_files
from edgesr.benchmarks.results.header import utc_now
from edgesr.benchmarks.results.writing import require_writable
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable, write_output
from edgesr.runtimes.packages import require_packages
from edgesr.runtimes.progress import Progress, silent

LARGEST_BYTES = 15_000_000


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report in memory."""

    title: str
    data: ReportData
    sections: tuple[Section, ...]
    html: str

    def write(self, output: Path, *, markdown_file: Path | None = None, csv_folder: Path | None = None) -> None:
        """Write the page, and the same tables as Markdown and CSV where asked for."""
        write_output(output, as_utf8(self.html))
        if markdown_file is not None:
            write_output(markdown_file, as_utf8(markdown(self.title, self.sections)))
        if csv_folder is not None:
            write_csv_files(csv_folder, csv_files(self.data, self.sections))


def report(
    bundle: Bundle,
    files: ReportFiles,
    output: Path,
    *,
    images: Sequence[Path] = (),
    markdown_file: Path | None = None,
    csv_folder: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Write the page of a bundle's result files to ``output``, with the middle of each of ``images`` as all artifacts
    upscale it; its tables also as Markdown and as CSV files of a folder.
    """
    _require_places(output, markdown_file, csv_folder, inputs=(bundle.root, *files.given(), *images))
    made = build_report(bundle, files, images=list(dict.fromkeys(images)), progress=progress)
    made.write(output, markdown_file=markdown_file, csv_folder=csv_folder)
    return made


def build_report(
    bundle: Bundle,
    files: ReportFiles,
    *,
    images: Sequence[Path] = (),
    pictures: bool = True,
    progress: Progress = silent,
) -> Report:
    """Build the page of a bundle; without ``pictures`` no artifact is run."""
    require_packages("a report", ("plotly", "jinja2"), extra="report")
    data = read_data(bundle, files)
    made = make_pictures(bundle, images, progress) if pictures else None
    command = report_command(bundle.root, files, images)
    sections = make_sections(data, files, made, command)
    generator = bundle.manifest.generator.get("name", "a generator without a name")
    title = f"edgesr report of {bundle.name}: {generator} x{bundle.manifest.scale}"
    html = render(Page(title=title, data=data, sections=sections, created_utc=utc_now()))
    if len(html) > LARGEST_BYTES:
        raise InputError(f"the report would have {len(html) / 1e6:.1f} MB, above 15 MB: give fewer --image files")
    return Report(title=title, data=data, sections=sections, html=html)


def _require_places(
    output: Path, markdown_file: Path | None, csv_folder: Path | None, *, inputs: Sequence[Path]
) -> None:
    """Refuse what could not be written or would replace what is read, before any artifact runs."""
    require_writable(output, *inputs)
    require_writable(markdown_file, *inputs)
    if markdown_file is not None and markdown_file.resolve() == output.resolve():
        raise InputError(f"{markdown_file}: is given for the page and for Markdown; give another name to one of them")
    if csv_folder is not None:
        require_creatable(csv_folder)
