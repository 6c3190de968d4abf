"""The loop of a training run: updates, losses, checkpoints, validation, metrics, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from edgesr.benchmarks.quality.image_pairs import ImageSet
from edgesr.runtimes.progress import ProgressEvent, notice
from edgesr.sr_model.evaluation.generator_quality import validate
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.conduct import Conduct
from edgesr.sr_model.training.curves import draw_curves, sample_pictures
from edgesr.sr_model.training.loss_log import LossLog
from edgesr.sr_model.training.patches.batches import Batches
from edgesr.sr_model.training.phases import Update
from edgesr.sr_model.training.processes import Processes
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.settings import RunSettings
from edgesr.sr_model.training.run.state import TrainState
from edgesr.sr_model.training.schedule import SECONDS_A_MINUTE, Pace
from edgesr.sr_model.training.throughput import Throughput, speed_text

_UPDATES_BETWEEN_LOOKS = {"cpu": 1, "cuda": 200}
"""How often losses are looked at: to look is to wait for the device, which then waits for the next batches."""
_SAVES_BY_THE_CLOCK = 10
_VALIDATION_SHARE = 0.03
"""The share of the time of a run by the clock after which validations wait: the device does nothing meanwhile."""
L1, GAN = "l1", "gan"


class Phase(NamedTuple):
    """Updates until the pace is at 1. ``name`` is "l1" or "gan"."""

    name: str
    update: Update
    pace: Pace


class Loop:
    """Everything around the updates; only process 0 writes."""

    def __init__(
        self,
        state: TrainState,
        settings: RunSettings,
        folder: RunFolder,
        *,
        processes: Processes,
        batches: Batches,
        validation: ImageSet | None,
        conduct: Conduct,
    ) -> None:
        self._state = state
        self._settings = settings
        self._folder = folder
        self._processes = processes
        self._batches = batches
        self._validation = validation
        self._conduct = conduct
        self._throughput = Throughput(state.averaged_generator, state.config, state.device)
        self._log = LossLog(_UPDATES_BETWEEN_LOOKS[state.device.type])
        self._validated = self._speed = ""
        self._validation_seconds = 0.0
        self._restart_clock()

    def run(self, phase: Phase, interrupted: Callable[[], bool]) -> bool:
        """All that is left of a phase; False when the deadline came before its end, after saving.

        A KeyboardInterrupt, after saving too, when ``interrupted`` says so.
        """
        state, deadline = self._state, self._conduct.deadline
        share = phase.pace.share(state.step)
        while share < 1 or state.step == 0:  # a run of a blink has one update
            started = time.perf_counter()
            batch = self._batches.batch(state.step)
            self._waited += time.perf_counter() - started
            self._log.add(state.step, phase.update(batch, share))
            before, share = share, phase.pace.share(state.step)
            self._show(phase, share)
            pressed = self._processes.any(interrupted())
            late = deadline < math.inf and self._processes.any(time.monotonic() >= deadline)
            if share >= 1 or pressed or late or self._is_due(phase, before, share):
                self._save(phase, ended=share >= 1)
            if pressed:
                root = self._folder.root
                notice(
                    self._conduct.progress, f"step {state.step} is saved in {root}; the same command continues the run"
                )
                raise KeyboardInterrupt
            if late and share < 1:
                return False
        return True

    def _is_due(self, phase: Phase, before: float, share: float) -> bool:
        """Whether to save: every so many updates, by the clock ten times a run."""
        if phase.pace.minutes is None:
            return self._state.step % self._state.config.validate_every == 0
        return int(before * _SAVES_BY_THE_CLOCK) < int(share * _SAVES_BY_THE_CLOCK)

    def _show(self, phase: Phase, share: float) -> None:
        total = self._state.config.total_limit
        done = self._state.step
        if phase.pace.minutes is not None:
            total = math.ceil(phase.pace.minutes * SECONDS_A_MINUTE)
            done = int(share * total)
        self._conduct.progress(ProgressEvent("train", done, total, f"{self._log.text()}{self._validated}{self._speed}"))

    def _save(self, phase: Phase, *, ended: bool) -> None:
        """State last: a run that is cut off before it redoes the steps, and with them the other files."""
        if self._processes.rank > 0:
            return
        state, folder, config = self._state, self._folder, self._state.config
        losses = self._log.means()
        seconds = time.perf_counter() - self._started
        state.require_finite(folder.state)
        state.seconds = phase.pace.seconds
        generator = state.averaged_generator
        folder.save_generator(folder.generator, generator, config, state.step)
        if ended and phase.name == L1:
            folder.save_generator(folder.l1_generator, generator, config, state.step)
        row = {"step": state.step, "seconds": round(seconds, 1), **losses}
        row["data_wait_share"] = round(self._waited / seconds, 4)
        if phase.name == L1:
            speed = self._throughput.figures(state.step - self._first, seconds)
            self._speed = f", {speed_text(speed)}"
            row |= speed
        rows = folder.add_metrics(row | self._quality(generator, phase, ended=ended))
        if self._conduct.curves:
            pictures = sample_pictures(generator, self._validation, config.degradation) if self._validation else []
            draw_curves(folder.curves, rows, l1_steps=config.l1_limit, pictures=pictures)
        state.save(folder.state, self._settings)
        self._conduct.saved()
        self._restart_clock()

    def _quality(self, generator: Generator, phase: Phase, *, ended: bool) -> dict[str, float]:
        if self._validation is None:
            return {}
        costly = self._validation_seconds > _VALIDATION_SHARE * phase.pace.seconds
        if costly and phase.pace.minutes is not None and not ended:
            return {}
        started = time.monotonic()
        quality = validate(generator, self._validation, self._state.config.degradation)
        self._validation_seconds += time.monotonic() - started
        self._validated = f", validation {quality.psnr_y_db:.2f} dB Y"
        return {"psnr_y_db": quality.psnr_y_db, "psnr_rgb_db": quality.psnr_rgb_db, "ssim": quality.ssim}

    def _restart_clock(self) -> None:
        self._started, self._waited, self._first = time.perf_counter(), 0.0, self._state.step
