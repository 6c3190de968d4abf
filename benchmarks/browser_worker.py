"""A process for one job in a browser: python -P -m ... JOB.json RESULT.json DEVICE APP FOLDER.

It does the job as any worker does, but its runtimes are those of a page.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgesr.benchmarks.devices.browser.builds import runtimes_in
from edgesr.benchmarks.devices.browser.built import installed_app
from edgesr.benchmarks.devices.browser.channel import PageEndedError, PageHungError, Patience
from edgesr.benchmarks.devices.browser.engine import ENGINES
from edgesr.benchmarks.devices.browser.page import Page
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.worker import run_job
from edgesr.runtimes.adapters.registry import other_builds
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json


def run_in_page(job: Job, page: Page, packages: dict[str, str]) -> Outcome:
    """Do the job with the runtimes of a page; the end of the page costs the job alone."""
    with page, other_builds(runtimes_in(page, packages)):
        try:
            return run_job(job)
        except PageEndedError as error:
            return Outcome(status="crashed", reason=str(error), result=None)
        except PageHungError as error:
            return Outcome(status="timeout", reason=str(error), result=None)


def main(job_file: Path, result_file: Path, device: str, app_folder: Path, own_folder: Path) -> None:
    job = read_record(Job, job_file, remake="measure again", file_names=True)
    app = installed_app(app_folder, verify=False)
    page = Page(app=app.folder, folder=own_folder, engine=ENGINES[device], patience=Patience())
    result_file.write_text(to_json(run_in_page(job, page, app.record.packages)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
