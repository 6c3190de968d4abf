"""The job: an artifact called for minutes, while the device is watched."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from edgesr.benchmarks.jobs import Job, JobKind
from edgesr.benchmarks.latency.call import photograph_golden
from edgesr.benchmarks.state.place import Place
from edgesr.benchmarks.state.readers import take_sample
from edgesr.benchmarks.state.record import DeviceState
from edgesr.benchmarks.state.summary import power
from edgesr.benchmarks.state.watch import watched
from edgesr.benchmarks.sustained.energy import Energy, energy
from edgesr.benchmarks.sustained.settings import SustainedSettings
from edgesr.benchmarks.sustained.verdict import Verdict, judged
from edgesr.benchmarks.sustained.windows import Window, timed_windows, told_windows
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.manifest import Size
from edgesr.runtimes.json_records import DecodeError


@dataclass(frozen=True, kw_only=True)
class Sustained:
    """Calls of one artifact on one runtime for minutes. ``verdict`` and ``retention`` as in `Judgement`; ``energy`` is
    None for the reason in ``no_energy``. ``state`` is that of the whole time.
    """

    size: Size
    windows: tuple[Window, ...]
    verdict: Verdict
    why: str
    retention: float | None
    energy: Energy | None
    no_energy: str | None
    state: DeviceState


def measure_sustained(
    opened: Callable[[], Callable[[], object]],
    *,
    size: Size,
    threads: int,
    settings: SustainedSettings,
    place: Place | None = None,
) -> Sustained:
    """Call what ``opened`` gives, on ``size`` (h,w), after the device was watched idle."""
    where = place or Place()
    has_sensor = power(take_sample(where, os.getpid())) is not None
    with watched(
        threads=threads, cores=settings.cores, pinned=settings.pin, seconds=settings.sample_seconds, place=where
    ) as watch:
        watch.begin()
        if has_sensor:
            time.sleep(settings.idle_seconds)
        idle_until = time.monotonic()
        call = opened()
        timed_windows(call, seconds=settings.warmup_seconds, window_seconds=settings.warmup_seconds)
        watch.begin()
        timed = timed_windows(call, seconds=settings.seconds, window_seconds=settings.window_seconds)
        measured, state = watch.end()
    windows = told_windows(timed, measured)
    found = energy([one for one in measured.before if one.at <= idle_until], measured.during, windows)
    judgement = judged(windows, edge_seconds=settings.edge_seconds, threads=threads)
    return Sustained(
        size=size,
        windows=windows,
        verdict=judgement.verdict,
        why=judgement.why,
        retention=judgement.retention,
        energy=None if isinstance(found, str) else found,
        no_energy=found if isinstance(found, str) else None,
        state=state,
    )


def _of_artifact(job: Job, settings: SustainedSettings) -> Sustained:
    """A golden photograph, in the layout of the artifact's file, again and again."""
    bundle, artifact = job.opened()
    golden = photograph_golden(bundle, artifact)
    image = bundle.tensor(golden.input)

    def opened() -> Callable[[], object]:
        session = open_session(bundle, artifact, runtime=job.runtime, threads=job.threads, provider=job.provider)
        batch = session.prepare(image)
        return lambda: session.session.run(batch)

    return measure_sustained(opened, size=golden.size, threads=job.threads, settings=settings)


def _check(measured: Sustained) -> None:
    if not measured.windows or any(one.seconds <= 0 or one.calls < 1 for one in measured.windows):
        raise DecodeError("a sustained measurement without calls")
    if (measured.energy is None) != (measured.no_energy is not None):
        raise DecodeError("it must have energy, or why it has none")


SUSTAINED = JobKind(
    name="sustained",
    settings=SustainedSettings,
    result=Sustained,
    measure=_of_artifact,
    check=_check,
    lasts_seconds=lambda settings: math.ceil(settings.lasts_seconds),
)
