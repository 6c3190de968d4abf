"""The folder of a training run: settings, state, generators, metrics, curves."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimes.errors import InputError
from runtimes.files import require_creatable, write_atomically
from sr_model.checkpoint import save_checkpoint
from sr_model.config import TrainConfig
from sr_model.generator import Generator
from sr_model.train_inputs import TrainInputs

MetricsRow = dict[str, Any]


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
        """What a resumed run reads."""
        return self.root / "state.pt"

    @property
    def curves(self) -> Path:
        """The picture of losses, validation and samples."""
        return self.root / "curves.png"

    @property
    def _settings(self) -> Path:
        return self.root / "train.json"

    @property
    def _metrics(self) -> Path:
        return self.root / "metrics.jsonl"

    def check(self, settings_text: str) -> None:
        """Refuse a folder that holds another run or something else, or cannot be written; changes nothing."""
        root, settings = self.root, self._settings
        if root.exists() and (not root.is_dir() or (any(root.iterdir()) and not settings.is_file())):
            raise InputError(f"{root}: exists and holds no training run; give a new or empty folder")
        if settings.is_file() and settings.read_text() != settings_text:
            raise InputError(
                f"{root}: holds a run with other settings or inputs (see {settings}); give another output folder"
            )
        require_creatable(root)

    def create(self, settings_text: str) -> None:
        """Create the folder with the run's settings in it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.root}: cannot be created: {error.strerror}") from error
        write_atomically(self._settings, settings_text.encode())

    def save_generator(self, path: Path, generator: Generator, config: TrainConfig, step: int) -> None:
        """Write a generator with the settings it was trained with."""
        settings = json.dumps(dataclasses.asdict(config), sort_keys=True)
        save_checkpoint(path, generator, {"train_config": settings, "steps_done": str(step)})

    def metrics(self) -> list[MetricsRow]:
        """Rows written so far, oldest first; a picture that is reproduced exactly has an infinite PSNR."""
        if not self._metrics.is_file():
            return []
        try:
            rows = [json.loads(line) for line in self._metrics.read_bytes().splitlines()]
            return [dict(row) | {"step": int(row["step"])} for row in rows]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"{self._metrics}: damaged: {error}; delete it, or give another output folder: its curves start anew"
            ) from error

    def add_metrics(self, row: MetricsRow) -> list[MetricsRow]:
        """Add a row, in place of rows of the same or later steps that a killed run left; gives all rows."""
        rows = [r for r in self.metrics() if r["step"] < row["step"]] + [row]
        write_atomically(self._metrics, "".join(json.dumps(r) + "\n" for r in rows).encode())
        return rows


def described(config: TrainConfig, inputs: TrainInputs) -> str:
    """Settings and fingerprint of the inputs, as train.json holds them."""
    return json.dumps({"settings": dataclasses.asdict(config), "inputs": inputs.fingerprint()}, indent=2) + "\n"
