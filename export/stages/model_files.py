"""The files of a model in the folder of the stage that made it."""

from __future__ import annotations

from pathlib import Path

MODEL = "model"
"""How their names begin: model.tflite; model.param and model.bin; model.mlpackage/Manifest.json."""


def model_files(folder: Path, opened: Path) -> dict[str, Path]:
    """The files of a model by their place in the folder: first the one that is opened, then all others by name."""
    others = sorted(file for file in folder.rglob("*") if file.is_file() and file != opened)
    places = {file.relative_to(folder).as_posix(): file for file in (opened, *others)}
    return {place: file for place, file in places.items() if place.startswith(MODEL)}
