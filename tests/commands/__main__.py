"""Runs every command of README.md, CONTRIBUTING.md and docs/*.md in a scratch folder, and says which no longer works.

python -m tests.commands [PAGE ...] [--list] [--limit SECONDS] [--keep]

Inputs are small ones that stand for the names of the pages (names.py), commands are made short (substitutions.py),
machines are put up on this one (stand_ins.py). What cannot be run is in a table with the reason (not_run.py), and what
this machine lacks is told (needs.py). Exit code 1 when a command failed, or when a row of that table matches none.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.commands.needs import missing
from tests.commands.not_run import row_for
from tests.commands.pages import commands_of, pages
from tests.commands.running import Outcome, rows_without_command, run_pages
from tests.commands.substitutions import shortened


def main() -> int:
    """Run or list the commands of the pages that were chosen."""
    given = _arguments()
    known = {page.name: page for page in pages()}
    unknown = [name for name in given.pages if Path(name).name not in known]
    if unknown:
        print(f"no such page: {', '.join(unknown)}; choose from {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = [known[Path(name).name] for name in given.pages] or list(known.values())
    if given.list:
        _list(chosen)
        return 0
    return _run(chosen, limit_s=given.limit, keep=given.keep)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as README.md or devices.md; all without")
    parser.add_argument("--list", action="store_true", help="only say what would be run, and as what")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that one command may take")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder, with a log for each page")
    return parser.parse_args()


def _list(chosen: list[Path]) -> None:
    for command in (command for page in chosen for command in commands_of(page)):
        text, row = shortened(command.text), row_for(command)
        why = f"not run: {row.reason}" if row else missing(text)
        print(f"{command.place}\n    {command.text}\n    {why or text}")


def _run(chosen: list[Path], *, limit_s: float, keep: bool) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell ignore it, and theirs
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was started ends too
    folder = Path(tempfile.mkdtemp(prefix="edgesr-commands-", dir="/tmp"))
    folder.chmod(0o755)
    counts: Counter[str] = Counter()
    try:
        for outcome in run_pages(chosen, folder, limit_s=limit_s):
            counts[outcome.state] += 1
            print(_row(outcome), flush=True)
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    print(", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    unmatched = rows_without_command()
    for pattern in unmatched:
        print(f"not_run.py: {pattern!r} matches no command of the pages; delete the row")
    return 1 if counts["failed"] or unmatched else 0


def _row(outcome: Outcome) -> str:
    told = f"\n    {outcome.told}" if outcome.told else ""
    return f"{outcome.state:8} {outcome.seconds:6.1f} s  {outcome.command.place}  {outcome.command.text}{told}"


if __name__ == "__main__":
    sys.exit(main())
