"""The cost of running a file of a tile graph in its preferred runtime, each run in a process of its own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.latency.file_run import RunCost, RunJob
from edgesr.export.subprocesses import run_converter
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.bundle.manifest import Layout, Precision, RunMemory, Size
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

COST_FILE = "cost.json"
_TIMED_CALLS = 3
_MEMORY_CALLS = 4
"""What an allocator cannot use again shows in the fourth call of TorchScript Lite, and no further one adds to it."""


@dataclass(frozen=True, kw_only=True)
class Runnable:
    """The way to run an artifact's files: by ``runtime``, in tiles of ``tile_size`` (LR pixels) if that is fixed."""

    id: str
    runtime: str
    precision: Precision
    layout: Layout
    tile_size: Size | None
    scale: int
    channels: int = 3


@dataclass(frozen=True, kw_only=True)
class FileCost:
    """Whether a runtime can resize a file, and what memory a run of it takes."""

    resizable: bool
    memory: RunMemory


@dataclass(frozen=True, kw_only=True)
class TimeRatio:
    """Best time of a second file divided by that of the first."""

    time_ratio: float


def measure_memory(folder: Path, runnable: Runnable, file: Path, *, side: int, least_side: int) -> None:
    """Write the `FileCost`: memory of the file's own size, or of two squares up to ``side`` where it takes any size."""
    (folder / COST_FILE).write_text(to_json(_file_cost(runnable, file, side, least_side)))


def check_size(folder: Path, runnable: Runnable, file: Path, *, size: Size) -> None:
    """Run the file once; raises an EdgesrError unless it answers an LR input of that size at ``scale`` times the
    size.
    """
    (folder / COST_FILE).write_text(to_json(_run(runnable, (file,), size, 1)))


def measure_time_ratio(folder: Path, runnable: Runnable, file: Path, other: Path, *, size: Size) -> None:
    """Write the `TimeRatio` of ``other`` to ``file`` on a tile of that size, in turn in one process."""
    cost = _run(runnable, (file, other), size, _TIMED_CALLS)
    (folder / COST_FILE).write_text(to_json(TimeRatio(time_ratio=cost.best_ms[1] / cost.best_ms[0])))


def _file_cost(runnable: Runnable, file: Path, side: int, least_side: int) -> FileCost:
    tile, growth = runnable.tile_size, runtime_info(runnable.runtime).memory_growth_bytes
    resizable = tile is not None and _can_resize(runnable, file, tile, least_side)
    if tile is not None and not resizable:
        used = _run(runnable, (file,), tile, _MEMORY_CALLS).memory_bytes
        return FileCost(resizable=False, memory=RunMemory(fixed_bytes=used + growth, bytes_per_lr_pixel=0.0))
    sides = (side // 2, side)
    small, large = (_run(runnable, (file,), (one, one), _MEMORY_CALLS).memory_bytes for one in sides)
    per_pixel = max((large - small) / (sides[1] ** 2 - sides[0] ** 2), 0.0)
    fixed = max(round(large - per_pixel * sides[1] ** 2), 0) + growth
    return FileCost(resizable=resizable, memory=RunMemory(fixed_bytes=fixed, bytes_per_lr_pixel=per_pixel))


def _can_resize(runnable: Runnable, file: Path, tile: Size, least_side: int) -> bool:
    other = (max(tile[0] // 2, least_side), max(tile[1] // 2 - 1, least_side))
    scale = runnable.scale
    return _run(runnable, (file,), other, 0).output_size == (other[0] * scale, other[1] * scale)


def _run(runnable: Runnable, files: tuple[Path, ...], size: Size, calls: int) -> RunCost:
    job = RunJob(
        runtime=runnable.runtime,
        precision=runnable.precision,
        files=tuple(str(file.absolute()) for file in files),
        layout=runnable.layout,
        size=size,
        calls=calls,
        channels=runnable.channels,
    )
    with tempfile.TemporaryDirectory(prefix="edgesr-cost-") as name:
        folder = Path(name)
        result = folder / "result.json"
        (folder / "job.json").write_text(to_json(job))
        what = f"{runnable.id} could not be run in {runnable.runtime}"
        run_converter(
            "edgesr.benchmarks.latency.file_run", ["job.json", "result.json"], folder=folder, result=result, what=what
        )
        cost = read_record(RunCost, result, remake="export again")
    expected = (size[0] * runnable.scale, size[1] * runnable.scale)
    if calls and cost.output_size != expected:
        raise EdgesrError(f"{what}: {cost.refusal or f'it answers {cost.output_size} to {size}, not {expected}'}")
    return cost
