"""A part of a prepared training: python run.py --minutes 9 --results results.tar, in the packed folder."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.progress import Progress, ProgressEvent
from edgesr.sr_model.training.prepared.runner import run_part
from edgesr.sr_model.training.run.resources import DEFAULT_DEVICE, TRAINING_DEVICES

_SECONDS_BETWEEN_LINES = 10.0


def main(folder: Path, arguments: list[str]) -> int:
    """Do a part of the plan in ``folder``; the exit code is that of edgesr's commands."""
    options = _parser().parse_args(arguments)
    try:
        done = run_part(
            folder,
            options.work or folder / "runs",
            options.results or folder / "results.tar",
            minutes=options.minutes,
            share=options.share,
            device=options.device,
            progress=_lines(),
        )
    except EdgesrError as error:
        sys.stderr.write(f"edgesr: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("edgesr: interrupted; the same command goes on\n")
        return 130
    sys.stdout.write("all runs are done\n" if done else "to be continued: the same command goes on\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py", description="Continue the prepared training for some minutes.")
    parser.add_argument("--minutes", type=float, required=True, help="Leave what is not done after so long.")
    parser.add_argument("--results", type=Path, help="The file to bring back; read too where --work is not there.")
    parser.add_argument("--work", type=Path, help="Folder of the runs.")
    parser.add_argument("--share", type=float, default=1.0, help="A part of the time and of the batches, to try it.")
    parser.add_argument("--device", choices=TRAINING_DEVICES, default=DEFAULT_DEVICE)
    return parser


def _lines() -> Progress:
    """Notices at once; of a count a line every few seconds."""
    last = 0.0

    def show(event: ProgressEvent) -> None:
        nonlocal last
        now = time.monotonic()
        if event.is_notice:
            sys.stdout.write(f"{event.note}\n")
        elif now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            sys.stdout.write(f"{event.task}: {event.done} of {event.total}, {event.note}\n")
        sys.stdout.flush()

    return show


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), sys.argv[1:]))
