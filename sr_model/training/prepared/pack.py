"""Packs a prepared training into a folder that needs torch, numpy, Pillow and safetensors alone where it is run."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable
from edgesr.runtimes.images.image_io import SUFFIXES
from edgesr.runtimes.import_closure import code_to_send
from edgesr.runtimes.progress import Progress, notice, silent
from edgesr.sr_model.generators.config import preset
from edgesr.sr_model.training.cyclic_gan.vgg_trunk import find_trunk, save_trunk
from edgesr.sr_model.training.patches.photographs import load_photographs, load_unpaired
from edgesr.sr_model.training.prepared.plan import (
    PHOTOGRAPHS,
    TRUNK,
    UNPAIRED,
    VALIDATION,
    Plan,
    default_plan,
)
from edgesr.sr_model.training.run.inputs import TrainInputs

MOST_BYTES = 55_000_000
_ENTRY = "edgesr.sr_model.training.prepared.__main__"
_SOURCE = "source"
_RUN = """\
import sys
from pathlib import Path

folder = Path(__file__).resolve().parent
sys.path.insert(0, str(folder / "source"))

from edgesr.sr_model.training.prepared.__main__ import main

sys.exit(main(folder, sys.argv[1:]))
"""


@dataclass(frozen=True)
class PackedTraining:
    """The folder, its bytes, and the minutes that its plan takes."""

    folder: Path
    size_bytes: int
    minutes: float


def pack_training(
    inputs: TrainInputs, output: Path, *, plan: Plan | None = None, progress: Progress = silent
) -> PackedTraining:
    """Pack the source, the photographs, the validation images, and the VGG blocks that the plan's losses use.

    `python run.py --minutes 9` in the folder does the first nine minutes of the plan, on Python 3.11 or newer. The
    folder appears whole or not at all. Raises an InputError when it would have more than 55 MB.
    """
    plan = plan or default_plan()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output}: exists and is not empty; give a new or empty folder")
    inputs.check(output)
    require_creatable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        packed = Path(folder) / "packed"
        _write_source(packed)
        plan.write(packed)
        _copy_images(inputs.photographs, packed / PHOTOGRAPHS)
        if inputs.unpaired is not None:
            _copy_images(inputs.unpaired, packed / UNPAIRED)
        if inputs.validation is not None:
            _copy_validation(inputs.validation, packed / VALIDATION)
        _require_usable(inputs, plan)
        _write_trunk(inputs, plan, packed, progress)
        size = _bytes_of(packed)
        if size > MOST_BYTES:
            raise InputError(
                f"{inputs.photographs}: packed it all has {size:,} bytes, more than {MOST_BYTES:,}; give fewer or "
                "smaller photographs"
            )
        if output.exists():
            output.rmdir()
        packed.rename(output)
    return PackedTraining(output, size, plan.check_minutes + sum(run.minutes for run in plan.runs))


def _write_source(packed: Path) -> None:
    for name, content in code_to_send(_ENTRY).items():
        file = packed / _SOURCE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (packed / "run.py").write_text(_RUN)


def _copy_images(folder: Path, target: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of photographs")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not files:
        raise InputError(f"{folder}: holds no image ({', '.join(sorted(SUFFIXES))}); give a folder of photographs")
    for file in files:
        _copy(file, target / file.relative_to(folder))


def _copy_validation(folder: Path, target: Path) -> None:
    for pair in read_image_set(folder).pairs:
        for file in (pair.hr, pair.lr):
            if file is not None:
                _copy(file, target / file.relative_to(folder))


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _require_usable(inputs: TrainInputs, plan: Plan) -> None:
    """An InputError now for what would end a run over there: no image is large enough for its patches."""
    configs = [run.config for run in plan.runs]
    largest = max(configs, key=lambda config: config.patch_size * preset(config.preset).scale)
    load_photographs(inputs.photographs, scale=preset(largest.preset).scale, patch_size=largest.patch_size)
    adversarial = [config.patch_size for config in configs if config.gan_steps]
    if inputs.unpaired is not None and adversarial:
        load_unpaired(inputs.unpaired, patch_size=max(adversarial))


def _write_trunk(inputs: TrainInputs, plan: Plan, packed: Path, progress: Progress) -> None:
    blocks = [run.config.perceptual_block for run in plan.runs if run.config.gan_steps]
    if not blocks:
        return
    trunk = find_trunk(inputs.perceptual_weights, max(blocks))
    if trunk is None:
        notice(progress, "no VGG weights given and stlpips-pytorch is not installed: packed without perceptual loss")
        return
    save_trunk(packed / TRUNK, trunk, max(blocks))


def _bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
