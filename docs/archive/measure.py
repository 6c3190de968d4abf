"""A folder of photographs with one worker process and with several, in turn: seconds and processor seconds.

python docs/archive/measure.py BUNDLE [--photographs 40] [--size 256x256] [--jobs 2] [--rounds 5] [--runtime ort]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "export" / "photographs"


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="edgesr-archive-") as name:
        folder = Path(name)
        _make_photographs(folder / "in", arguments)
        _compare(folder / "in", folder / "1", folder / "many", arguments, rounds=1)  # files into the system's cache
        rows = _compare(folder / "in", folder / "1", folder / "many", arguments, rounds=arguments.rounds)
        same = {f.name: f.read_bytes() for f in (folder / "1").iterdir()} == {
            f.name: f.read_bytes() for f in (folder / "many").iterdir()
        }
    walls, processors = ([many / one for (one, many) in pairs] for pairs in zip(*rows, strict=True))
    seconds = [median(row[0][place] for row in rows) for place in (0, 1)]
    print("| photographs | jobs | s with 1 | s with all | ratio of time | ratio of processor time |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {arguments.photographs} of {arguments.size} | {arguments.jobs} | {seconds[0]:.1f} | {seconds[1]:.1f} | "
        f"{median(walls):.3f} | {median(processors):.3f} |"
    )
    print(f"\nThe files are {'the same' if same else 'NOT the same'} to the bit.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--photographs", type=int, default=40)
    parser.add_argument("--size", default="256x256", help="height x width of the smallest; each has 4 rows more")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runtime", default="ort")
    return parser.parse_args()


def _make_photographs(folder: Path, arguments: argparse.Namespace) -> None:
    """Parts of the photographs that edgesr brings along, mirrored where they are too small."""
    folder.mkdir()
    height, width = map(int, arguments.size.split("x"))
    sources = [np.asarray(Image.open(file).convert("RGB")) for file in sorted(PHOTOGRAPHS.glob("*.png"))]
    for place in range(arguments.photographs):
        pixels, rows = sources[place % len(sources)], height + 4 * place
        missing = [(0, max(wanted - had, 0)) for wanted, had in zip((rows, width), pixels.shape[:2], strict=True)]
        whole = np.pad(pixels, [*missing, (0, 0)], mode="symmetric")[:rows, :width]
        Image.fromarray(np.ascontiguousarray(whole)).save(folder / f"{place:03}.png")


def _compare(
    source: Path, one: Path, many: Path, arguments: argparse.Namespace, *, rounds: int
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The seconds with one and with many workers, and the processor seconds of both, for each round."""
    rows = []
    for _ in range(rounds):
        alone = _run(source, one, arguments, jobs=1)
        shared = _run(source, many, arguments, jobs=arguments.jobs)
        rows.append(((alone[0], shared[0]), (alone[1], shared[1])))
        print(f"{alone[0]:.1f} s and {shared[0]:.1f} s", file=sys.stderr)
    return rows


def _run(source: Path, target: Path, arguments: argparse.Namespace, *, jobs: int) -> tuple[float, float]:
    words = ["upscale", source, target, "--bundle", arguments.bundle, "--threads", 1, "--jobs", jobs]
    command = [sys.executable, "-m", "edgesr", *map(str, words), "--runtime", arguments.runtime]
    began, before = time.perf_counter(), _processor_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, _processor_seconds() - before


def _processor_seconds() -> float:
    """The processor seconds of all processes that were started here and have ended, and of those that they waited
    for.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
