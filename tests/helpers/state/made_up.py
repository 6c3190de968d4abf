"""Made-up samples, windows and results of sustained measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgesr.benchmarks.jobs import HOST
from edgesr.benchmarks.results.header import header
from edgesr.benchmarks.results.rows import Key
from edgesr.benchmarks.results.writing import write_json
from edgesr.benchmarks.state.reading import Quantity, Reading, Sample
from edgesr.benchmarks.state.record import Course, DeviceState
from edgesr.benchmarks.sustained.measure import Sustained
from edgesr.benchmarks.sustained.results import SustainedResult, SustainedResults
from edgesr.benchmarks.sustained.settings import SustainedSettings
from edgesr.benchmarks.sustained.verdict import judged
from edgesr.benchmarks.sustained.windows import Window
from edgesr.runtimes.bundle.opening import Bundle


def sample(at: float, *readings: tuple[Quantity, str, float | str]) -> Sample:
    """Readings of a moment."""
    return Sample(at=at, readings=tuple(Reading(*one) for one in readings), cost_ms=1.0)


def windows(
    rates: Sequence[float],
    *,
    share: Sequence[float] | float = 1.0,
    clock: Sequence[float] | None = None,
    heat: Sequence[float] | None = None,
    waiting: float | None = None,
    cpu: Sequence[float] | None = None,
) -> tuple[Window, ...]:
    """Windows of 5 s of one thread, at so many calls a second; ``cpu``: processor seconds, where the share is not."""
    shares = [share] * len(rates) if isinstance(share, float) else share
    return tuple(
        Window(
            begin_seconds=5.0 * place,
            seconds=5.0,
            calls=round(rate * 5),
            p50_ms=1000 / rate,
            cpu_seconds=5.0 * own if cpu is None else cpu[place],
            own_share=own,
            waiting_share=waiting,
            clock_mhz=None if clock is None else clock[place],
            temperature_c=None if heat is None else heat[place],
        )
        for place, (rate, own) in enumerate(zip(rates, shares, strict=True))
    )


def sustained_file(bundle: Bundle, file: Path) -> None:
    """A result file of the bundle's first two artifacts in ONNX Runtime: one got hot, one lost its core."""
    hot = windows([100.0] * 6 + [60.0] * 6, clock=[2400.0] * 6 + [1440.0] * 6, heat=[50.0] * 6 + [85.0] * 6)
    found = (sustained(hot), sustained(windows([100.0] * 6 + [52.0] * 6, share=[1.0] * 6 + [0.52] * 6)))
    keys = [Key(artifact=one.id, runtime="ort", threads=1, device=HOST) for one in bundle.manifest.artifacts[:2]]
    rows = [
        SustainedResult(key=key, status="done", reason=None, sustained=one)
        for key, one in zip(keys, found, strict=True)
    ]
    settings = SustainedSettings(seconds=60.0, cores="1")
    made = SustainedResults(
        **header(SustainedResults, bundle), settings=settings, complete=True, warnings=(), results=tuple(rows)
    )
    write_json(made, file)


def sustained(shown: Sequence[Window], *, edge_seconds: float = 30.0) -> Sustained:
    """A measurement of these windows, on a device that tells no power."""
    judgement = judged(shown, edge_seconds=edge_seconds, threads=1)
    share = Course(start=1.0, end=1.0, least=1.0, most=1.0)
    return Sustained(
        size=(64, 64),
        windows=tuple(shown),
        verdict=judgement.verdict,
        why=judgement.why,
        retention=judgement.retention,
        energy=None,
        no_energy="the device has no sensor of its power that an ordinary user may read",
        state=DeviceState(samples=4, sample_ms=1.5, usable_cores=4, pinned_cores=(3,), ran_on=(3,), own_share=share),
    )
