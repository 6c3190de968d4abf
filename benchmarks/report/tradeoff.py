"""Latency against fidelity against size, and which artifacts no other beats in all three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgesr.benchmarks.report.data import (
    ReportData,
    devices,
    fewest_threads,
    joined_table,
    measured,
    of_device,
    parity_of,
    subjects,
    with_parity,
    worst_golden,
)
from edgesr.benchmarks.tables.table import DASH, Table
from edgesr.runtimes.wording import counted


@dataclass(frozen=True, kw_only=True)
class Point:
    """An artifact: ms per 1e6 output pixels, worst PSNR over the goldens (None: identical), file size, 1e3 bytes.

    ``engine`` is the runtime with its execution provider. ``interval``: where the first figure lies in a repeat of the
    measurement, in 95 of 100 cases.
    """

    artifact: str
    runtime: str
    engine: str
    precision: str
    ms_per_megapixel: float
    interval: tuple[float, float]
    p50_ms: float
    psnr_db: float | None
    size_kb: float

    @property
    def fidelity(self) -> float:
        """PSNR to compare by: infinite for an identical picture."""
        return float("inf") if self.psnr_db is None else self.psnr_db

    def beats(self, other: Point) -> bool:
        """Whether it is nowhere worse than another, and somewhere better."""
        mine = (self.ms_per_megapixel, -self.fidelity, self.size_kb)
        theirs = (other.ms_per_megapixel, -other.fidelity, other.size_kb)
        return mine != theirs and all(a <= b for a, b in zip(mine, theirs, strict=True))


@dataclass(frozen=True)
class Tradeoff:
    """All points at one thread count, and those of the Pareto front."""

    threads: int
    points: tuple[Point, ...]
    front: tuple[Point, ...]


def tradeoff(data: ReportData) -> Tradeoff | None:
    """Artifacts with both latency and a finite parity, at the fewest threads measured; None without any."""
    if data.latency is None or data.parity is None or not data.latency.results:
        return None
    threads = fewest_threads(data.latency)
    points = _points(data, threads)
    if not points:
        return None
    front = tuple(p for p in points if not any(other.beats(p) for other in points))
    return Tradeoff(threads, points, front)


def tradeoffs(data: ReportData) -> dict[str, Tradeoff]:
    """`tradeoff` of each device that has one; PSNR is that of this host where a device has none of its own."""
    found = {name: tradeoff(with_parity(of_device(data, name), data)) for name in devices(data)}
    return {name: one for name, one in found.items() if one is not None}


def tradeoff_table(found: Tradeoff) -> Table:
    """One row a point, the front first, then by latency."""
    rows = sorted(found.points, key=lambda p: (p not in found.front, p.ms_per_megapixel))
    columns = ("artifact", "runtime", "ms/MP", "p50 ms", "worst PSNR dB", "file kB", "Pareto front")
    return Table(
        f"Latency, fidelity and size, {counted(found.threads, 'thread')}",
        columns,
        tuple(
            (
                point.artifact,
                point.engine,
                f"{point.ms_per_megapixel:.0f}",
                f"{point.p50_ms:.1f}",
                "exact" if point.psnr_db is None else f"{point.psnr_db:.1f}",
                f"{point.size_kb:.0f}",
                "yes" if point in found.front else DASH,
            )
            for point in rows
        ),
    )


def joined_tradeoffs(data: ReportData, found: Mapping[str, Tradeoff]) -> Table:
    """The tables of all devices in one."""
    return joined_table(data, {name: tradeoff_table(one) for name, one in found.items()})


def _points(data: ReportData, threads: int) -> tuple[Point, ...]:
    assert data.latency is not None
    scale = data.bundle.manifest.scale
    known = subjects(data)
    points = []
    for result in measured(data.latency, threads):
        subject = next((one for one in known if one.is_of(result.key)), None)
        parity = parity_of(data, subject) if subject else None
        worst = worst_golden(parity) if parity else None
        if result.latency is None or subject is None or worst is None or worst.max_abs_error is None:
            continue
        megapixels = result.latency.size[0] * result.latency.size[1] * scale**2 / 1e6
        low, high = result.latency.p50_interval_ms
        points.append(
            Point(
                artifact=subject.artifact.id,
                runtime=subject.runtime,
                engine=subject.engine,
                precision=subject.artifact.precision,
                ms_per_megapixel=result.latency.p50_ms / megapixels,
                interval=(low / megapixels, high / megapixels),
                p50_ms=result.latency.p50_ms,
                psnr_db=worst.psnr_db,
                size_kb=subject.artifact.size_bytes / 1e3,
            )
        )
    return tuple(points)
