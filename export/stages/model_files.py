"""The files of a model in the folder of the stage that made it."""

from __future__ import annotations

from pathlib import Path

MODEL = "model"
"""How their names begin: model.tflite; model.param and model.bin; model.mlpackage/Manifest.json."""


def model_files(opened: Path) -> list[Path]:
    """The file that is opened, then all others of the model, by name."""
    folder = opened.parent
    others = (file for file in folder.rglob("*") if file.is_file() and file != opened)
    return [opened, *sorted(file for file in others if file.relative_to(folder).parts[0].startswith(MODEL))]
