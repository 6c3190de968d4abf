"""A ray cluster, a run on it, and twenty kills of its actors, in namespaces of its own: python -m ... FOLDER.

The caller gives it a network of the loopback alone and processes of its own, which end with it. It prints one line of
JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from edgesr.benchmarks.archive import supervisor
from tests.helpers.archive.killer import Killer
from tests.helpers.archive.ray_cluster import ADDRESS, ray_cluster
from tests.helpers.archive.runs import archive_run, stamps


def main(folder: Path, images: int, kills: int) -> None:
    """Upscale FOLDER/in into FOLDER/out by two actors."""
    supervisor.ASK_AGAIN_SECONDS = (0.1, 0.1, 0.1, 0.1)
    with ray_cluster(folder):
        told = _upscale(folder, images, kills)
    sys.stdout.write(f"{json.dumps(told)}\n")


def _upscale(folder: Path, images: int, kills: int) -> dict[str, Any]:
    source, target = folder / "in", folder / "out"
    with Killer(target, images, actors, kills=kills) as killer:
        report = archive_run(source, target, ray=ADDRESS, jobs=2)
    unfinished = report.unfinished
    if unfinished:
        report = archive_run(source, target, ray=ADDRESS, jobs=2)
    return {
        "killed": len(killer.killed),
        "actors": len(set(killer.killed)),
        "kept": stamps(target) | killer.seen == stamps(target),
        "seen": len(killer.seen),
        "left": report.unfinished,
        "once": unfinished,
        "token": (Path.home() / ".ray" / "auth_token").exists(),
        "folders": [one.name for one in Path(os.environ["TMPDIR"]).glob("edgesr-actor-*")],
    }


def actors() -> list[int]:
    """The processes of actors: ray names them by what they do."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "cmdline").read_bytes().startswith(b"ray::Actor"):
                found.append(int(place.name))
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
