"""Small training runs that the tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from edgesr.export.calibration.photographs import photograph_files
from edgesr.sr_model.training.run.inputs import TrainInputs

L1: dict[str, Any] = {
    "preset": "srrescycgan-mobile",
    "steps": 6,
    "batch_size": 2,
    "patch_size": 8,
    "validate_every": 2,
    "learning_rate": 1e-3,
}
GAN: dict[str, Any] = {**L1, "steps": 2, "gan_steps": 4, "perceptual_block": 1, "degradation": "mix"}
SETTINGS = {"l1": L1, "gan": GAN}


def make_inputs(folder: Path) -> TrainInputs:
    """A folder with two small photographs, one in a sub-folder."""
    (folder / "more").mkdir(parents=True)
    for file, name in zip(photograph_files(), ("a.png", "more/b.png"), strict=False):
        Image.open(file).convert("RGB").save(folder / name)
    return TrainInputs(photographs=folder)


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
