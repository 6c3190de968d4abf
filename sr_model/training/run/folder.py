"""The folder of a training run: settings, state, generators, metrics, curves."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable, write_atomically
from edgesr.runtimes.json_file import read_json
from edgesr.runtimes.json_records import DecodeError
from edgesr.sr_model.generators.checkpoint import save_checkpoint
from edgesr.sr_model.generators.generator import Generator
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.metrics_file import MetricsRow, metrics_text, read_metrics
from edgesr.sr_model.training.run.settings import RunSettings


@dataclass(frozen=True)
class RunFolder:
    """Paths and files of one run."""

    root: Path

    @property
    def generator(self) -> Path:
        """The newest generator, a moving average."""
        return self.root / "generator.safetensors"

    @property
    def l1_generator(self) -> Path:
        """The generator at the end of the L1 phase: the start of the GAN phase."""
        return self.root / "generator-l1.safetensors"

    @property
    def state(self) -> Path:
        """The state that a resumed run reads."""
        return self.root / "state.pt"

    @property
    def curves(self) -> Path:
        """The picture of losses, validation and samples."""
        return self.root / "curves.png"

    @property
    def settings(self) -> Path:
        """The run's settings and fingerprints of its inputs."""
        return self.root / "train.json"

    @property
    def metrics_file(self) -> Path:
        """A row for each validation."""
        return self.root / "metrics.jsonl"

    def check(self, wanted: RunSettings) -> None:
        """Refuse a folder of another run or of something else, a damaged or read-only one; changes nothing."""
        root, settings = self.root, self.settings
        if root.exists() and (not root.is_dir() or (any(root.iterdir()) and not settings.is_file())):
            raise InputError(f"{root}: exists and holds no training run; give a new or empty folder")
        if settings.is_file():
            self._check_settings(wanted)
        for path in (self.state, self.generator, self.l1_generator, self.curves, self.metrics_file):
            if os.path.lexists(path) and not path.is_file():
                raise InputError(f"{path}: not a file; move it away, or give another output folder")
        self.metrics()
        require_creatable(root)

    def _check_settings(self, wanted: RunSettings) -> None:
        remake = "give another output folder"
        content = read_json(self.settings, remake=remake)
        try:
            differences = wanted.differences(RunSettings.from_json(content))
        except DecodeError as error:
            raise InputError(f"{self.settings}: damaged, or of no training run: {error}; {remake}") from error
        if differences:
            raise InputError(
                f"{self.root}: holds a run with other settings or inputs (see {self.settings}): {differences}; {remake}"
            )

    def create(self, settings: RunSettings) -> None:
        """Create the folder with the run's settings in it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.root}: cannot be created: {error.strerror}") from error
        write_atomically(self.settings, settings.to_json().encode())

    def save_generator(self, path: Path, generator: Generator, config: TrainConfig, step: int) -> None:
        """Write a generator with the settings it was trained with."""
        settings = json.dumps(dataclasses.asdict(config), sort_keys=True)
        save_checkpoint(path, generator, {"train_config": settings, "steps_done": str(step)})

    def metrics(self) -> list[MetricsRow]:
        """Rows written so far, oldest first; raises an InputError for lines that training does not write."""
        path = self.metrics_file
        try:
            return read_metrics(path) if path.is_file() else []
        except ValueError as error:
            raise InputError(
                f"{path}: damaged: {error}; delete it, or give another output folder: its curves start anew"
            ) from error

    def add_metrics(self, row: MetricsRow) -> list[MetricsRow]:
        """Add a row, in place of rows of the same or later steps that a killed run left; gives all rows."""
        rows = [r for r in self.metrics() if r["step"] < row["step"]] + [row]
        write_atomically(self.metrics_file, metrics_text(rows).encode())
        return rows
