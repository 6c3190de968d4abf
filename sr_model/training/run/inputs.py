"""The inputs of a training run, and how a resumed run knows that they are the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.sr_model.generators.weights_file import require_file


@dataclass(frozen=True, kw_only=True)
class TrainInputs:
    """The inputs of a run: HR photographs, LR images without HR, a validation set, initial and VGG weights.

    ``teachers`` are checkpoints whose pictures the L1 phase learns from, next to HR.
    """

    photographs: Path
    unpaired: Path | None = None
    validation: Path | None = None
    checkpoint: Path | None = None
    perceptual_weights: Path | None = None
    teachers: tuple[Path, ...] = ()

    def check(self, output: Path) -> None:
        """Refuse an output inside a folder that is read: its pictures would be trained on."""
        for folder in (self.photographs, self.unpaired):
            if folder is not None and output.resolve().is_relative_to(folder.resolve()):
                raise InputError(f"{output}: lies inside {folder}, which is read; give another output folder")

    def fingerprint(self) -> dict[str, str | None]:
        """The inputs that decide the weights: SHA-256 of names and sizes in the folders, and of the files; None if not
        given.
        """
        return {
            "photographs": _of_folder(self.photographs),
            "unpaired": _of_folder(self.unpaired),
            "checkpoint": _of_file(self.checkpoint),
            "perceptual_weights": _of_file(self.perceptual_weights),
            "teachers": ",".join(filter(None, map(_of_file, self.teachers))) or None,
        }


def _of_folder(folder: Path | None) -> str | None:
    if folder is None:
        return None
    files = sorted((p.relative_to(folder).as_posix(), p.stat().st_size) for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _of_file(path: Path | None) -> str | None:
    if path is None:
        return None
    require_file(path)
    return sha256_of(path)
