"""Options of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from edgesr.benchmarks.outside.raw_goldens import GOLDEN_FORMS
from edgesr.export.formats.targets import ALL, DEFAULT_TARGETS, all_targets, targets_of_onnx
from edgesr.runtimes.bundle.calibrated_quantization import RangeMethod
from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import LARGEST_SIDE, Size
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.wording import printable
from edgesr.sr_model.generators.checkpoint import DEFAULT_WEIGHTS, embedded_checkpoint
from edgesr.sr_model.generators.foreign.contract import LARGEST_MULTIPLE, PEAKS

DEFAULT_PRESET = "srrescycgan-mobile"
DEFAULT_TILE_SIZE: Size = (128, 128)
_FOREIGN = "--module FILE.py:NAME or --onnx FILE"


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of an export: the source (a preset's embedded weights of one kind, a checkpoint, or a user's network),
    and targets, precisions and graphs.

    A ``checkpoint`` is edgesr's, a published one, or one whose architecture spandrel recognises, if that is installed.

    ``module`` is "FILE.py:NAME", a function that returns a torch.nn.Module, and ``checkpoint`` then holds its weights.
    Its images are in [0, ``peak``]; None is 1, unless a photograph shows that it is 255. Their sides are multiples of
    ``multiple``; None lets edgesr find it. ``colour`` is "rgb" or, for one channel, "luma" (studio range, also for
    None) or "grey" (full range). ``onnx`` is an ONNX file of such a network instead. ``allow_inexact_tiles`` makes tile
    graphs even if tiles differ from the whole picture; the bundle records the difference.

    int8 and w8a16 are calibrated on the photographs of a folder, or on synthetic ones. int8 keeps as few convolutions
    in float as the budget allows: on tiles that were not calibrated on, a mean PSNR (dB, against float32) of at least
    ``int8_min_psnr_db``, and no channel's mean shifted by more than ``int8_max_shift`` (0..255). None is 40 dB and 0.3
    levels for edgesr's networks; docs/quantization.md says what it is for a user's. Or int8 loses at most
    ``max_drop_db`` of PSNR on the HR photographs of the folder ``validation``. ``plan`` is a file of these choices: it
    is read if it exists, and written if it does not.

    ``targets`` are names of their table, or "all" alone: those whose packages are installed and that have the
    precisions. ``goldens`` "raw" also writes the goldens as raw tensors, for programs other than edgesr. ``delegate``
    "gpu" rewrites TFLite files into operators that the delegate takes, by its published list.
    """

    preset: str | None = None
    weights: str | None = None
    checkpoint: Path | None = None
    module: str | None = None
    onnx: Path | None = None
    peak: int | None = None
    multiple: int | None = None
    colour: str | None = None
    allow_inexact_tiles: bool = False
    targets: tuple[str, ...] = DEFAULT_TARGETS
    precisions: tuple[str, ...] = ("fp32",)
    graphs: tuple[str, ...] = ("full", "tile")
    tile_size: Size = DEFAULT_TILE_SIZE
    calibration: Path | None = None
    int8_min_psnr_db: float | None = None
    int8_max_shift: float | None = None
    int8_ranges: str | None = None
    max_drop_db: float | None = None
    validation: Path | None = None
    plan: Path | None = None
    delegate: str | None = None
    goldens: str | None = None

    def __post_init__(self) -> None:
        if not all(1 <= side <= LARGEST_SIDE for side in self.tile_size):
            raise InputError(
                f"--tile-size {self.tile_size[0]}x{self.tile_size[1]}: give sides from 1 to {LARGEST_SIDE}"
            )
        if self.int8_min_psnr_db is not None and not 0 <= self.int8_min_psnr_db <= 100:
            raise InputError(f"--int8-min-psnr {self.int8_min_psnr_db:g}: give a number of dB from 0 to 100")
        if self.int8_max_shift is not None and not 0 < self.int8_max_shift <= 255:
            raise InputError(f"--int8-max-shift {self.int8_max_shift:g}: give grey levels above 0, at most 255")
        if self.int8_ranges is not None and self.int8_ranges not in get_args(RangeMethod):
            raise InputError(f"--int8-ranges {self.int8_ranges!r}: choose {', '.join(get_args(RangeMethod))}")
        if self.max_drop_db is not None and not 0 <= self.max_drop_db <= 100:
            raise InputError(f"--max-drop {self.max_drop_db:g}: give a number of dB from 0 to 100")
        if (self.max_drop_db is None) != (self.validation is None):
            raise InputError("--max-drop and --validation belong together: give the dB and a folder of HR photographs")
        for option, value in (("--max-drop", self.max_drop_db), ("--plan", self.plan)):
            if value is not None and "int8" not in self.precisions:
                raise InputError(f"{option} {value}: applies to int8 alone; add int8 to --precision")
        if self.goldens not in (None, *GOLDEN_FORMS):
            raise InputError(f"--goldens {self.goldens!r}: choose {', '.join(GOLDEN_FORMS)}, or leave it out")
        self._check_module()

    def _check_module(self) -> None:
        for option, value in (("--peak", self.peak), ("--multiple", self.multiple), ("--colour", self.colour)):
            if value is not None and not self.is_foreign:
                raise InputError(f"{option} {value}: describes a network given with {_FOREIGN}; give both")
        if self.peak not in (None, *PEAKS):
            raise InputError(
                f"--peak {self.peak}: give {' or '.join(map(str, PEAKS))}, the largest value of its images"
            )
        if self.colour is not None and self.colour not in get_args(Colour):
            raise InputError(f"--colour {self.colour}: choose {', '.join(get_args(Colour))}")
        if self.multiple is not None and not 1 <= self.multiple <= LARGEST_MULTIPLE:
            raise InputError(f"--multiple {self.multiple}: give a whole number from 1 to {LARGEST_MULTIPLE}")

    @property
    def is_foreign(self) -> bool:
        """Whether a user's own network is exported."""
        return self.module is not None or self.onnx is not None

    def require_no_search(self) -> None:
        """Raise an InputError for options that an existing plan has no use for: it has its own tiles, ranges and
        budget.
        """
        asked = {
            "--calibration": self.calibration,
            "--int8-min-psnr": self.int8_min_psnr_db,
            "--int8-max-shift": self.int8_max_shift,
            "--int8-ranges": self.int8_ranges,
            "--max-drop": self.max_drop_db,
        }
        if useless := [option for option, value in asked.items() if value is not None]:
            raise InputError(
                f"{', '.join(useless)}: the plan {self.plan} exists and has its own; leave them out, or name a file "
                "that does not exist for a new plan"
            )

    def possible_targets(self) -> tuple[tuple[str, ...], list[str]]:
        """The targets that the source can become, and a line on each that is left out; raises an InputError for
        others.
        """
        targets, left_out = all_targets(self.precisions) if self.targets == (ALL,) else (self.targets, [])
        if self.onnx is None:
            return targets, left_out
        possible, not_of_onnx = targets_of_onnx(targets, named=self.targets not in (DEFAULT_TARGETS, (ALL,)))
        return possible, [*left_out, *not_of_onnx]

    def source_name(self) -> str:
        """The source's name in the bundle's manifest: the file's name; for --module the function and its weights."""
        if self.module is None:
            return printable(self.source().name)
        file, function = self.factory()
        weights = "" if self.checkpoint is None else f" with {self.checkpoint.name}"
        return printable(f"{file.name}:{function}{weights}")

    def source(self) -> Path:
        """The checkpoint file to export, or the user's Python or ONNX file."""
        if self.onnx is not None:
            return self._onnx_file(self.onnx)
        if self.module is not None:
            return self.factory()[0]
        if self.preset is not None and self.checkpoint is not None:
            raise InputError("give a preset or a checkpoint, not both: a checkpoint names its own architecture")
        if self.weights is not None and self.checkpoint is not None:
            raise InputError(
                "give --weights or a checkpoint, not both: --weights chooses among a preset's embedded ones"
            )
        if self.checkpoint is not None:
            return self.checkpoint
        preset = DEFAULT_PRESET if self.preset is None else self.preset
        return embedded_checkpoint(preset, weights=DEFAULT_WEIGHTS if self.weights is None else self.weights)

    def factory(self) -> tuple[Path, str]:
        """File and function of ``module``; raises an InputError for what cannot be one."""
        assert self.module is not None
        if self.preset is not None or self.weights is not None:
            raise InputError("give --module or a preset, not both: --preset and --weights choose networks of edgesr")
        file, _, name = self.module.rpartition(":")
        if not file.endswith(".py") or not name.isidentifier():
            raise InputError(f"--module {self.module!r}: give FILE.py:NAME, a file and a function in it")
        if not Path(file).is_file():
            raise InputError(f"{file}: no such file; give --module FILE.py:NAME")
        return Path(file), name

    def _onnx_file(self, file: Path) -> Path:
        others = (self.preset, self.weights, self.checkpoint, self.module)
        if any(other is not None for other in others):
            raise InputError("give --onnx alone: --preset, --weights, --checkpoint and --module are other sources")
        if not file.is_file():
            raise InputError(f"{file}: no such file; give --onnx FILE.onnx")
        return file
