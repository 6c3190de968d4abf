"""The records of a bundle's manifest.json, as frozen dataclasses. Sizes are (height, width) in LR pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edgesr.runtimes.bundle.calibrated_quantization import QuantizationRecord
from edgesr.runtimes.bundle.contract import Colour, ReferenceKind, Tiling
from edgesr.runtimes.bundle.delegation import DelegateUse
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import InputError

SCHEMA_VERSION = 6
OLDEST_SCHEMA_VERSION = 5
"""That of edgesr 0.1.0."""

LARGEST_ALPHA = 80.0
"""Its exponential fits into a float32."""

LARGEST_SIDE = 2**16
"""Of tiles, halos and goldens, in LR pixels."""

GraphKind = Literal["full", "tile"]
Layout = Literal["NCHW", "NHWC"]
Padding = Literal["reflect", "zero"]
Precision = Literal["fp32", "fp16", "fp16a", "bf16", "int8", "w8", "w8d", "w8a16"]
Size = tuple[int, int]

REFERENCE: Precision = "fp32"
"""What the others are measured against, and preferred where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """A file of the bundle: its path relative to the bundle, size and SHA-256 (hex)."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """An input or output of an artifact; None in ``shape`` is a dynamic dimension, ``range`` the values it carries."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    layout: Layout
    range: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class RunMemory:
    """Memory that opening and running an artifact adds to a process with its runtime; one thread, as at export."""

    fixed_bytes: int
    bytes_per_lr_pixel: float  # 0 where the size is fixed

    def bytes_at(self, size: Size) -> int:
        """Estimate for an LR input (h,w)."""
        return self.fixed_bytes + round(self.bytes_per_lr_pixel * size[0] * size[1])


@dataclass(frozen=True, kw_only=True)
class RuntimeUse:
    """The use of an artifact by a runtime. ``memory`` is None if not measured, ``delegate`` if the runtime has none.

    ``resizable``: it can set another size than ``tile_size`` and computes the same function there.
    """

    name: str
    resizable: bool
    memory: RunMemory | None
    delegate: DelegateUse | None


@dataclass(frozen=True, kw_only=True)
class InsideVariant:
    """The zero-padded form of a reflect-padded tile graph, for tiles that do not touch the image's border.

    ``time_ratio`` is its latency divided by that of the reflect-padded artifact, measured at export in turn on its
    preferred runtime; ``artifact`` is its id, None where it is not shipped: it gains too little, or is too inexact.
    """

    time_ratio: float
    artifact: str | None


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One exported model. ``tile_size`` is its fixed LR size, None when height and width are dynamic, within ``bounds``
    where there are any.

    ``files``: the first is the one that is opened, others lie next to it or below. ``uses`` are of the runtimes that
    open it, the preferred one first.
    ``inside_only`` tile graphs are exact only where a tile does not touch the image's border; ``inside`` names such a
    graph, with the same weights.
    ``halo`` (tile graphs) is how many LR pixels at a tile's inner border are wrong and must be cut;
    ``made_by`` and ``least_runtime`` give package versions.
    ``precision``: fp32; fp16, float16 weights; fp16a, float16 arithmetic too; bf16, bfloat16 arithmetic or storage;
    int8, at least half of the MACs in int8; w8, int8 weights; w8d, int8 activations at run time; w8a16, 16-bit ones.
    ``quantization`` is there where ranges of activations were calibrated; ``pooled`` means of features are inputs too.
    """

    id: str
    format: str
    uses: tuple[RuntimeUse, ...]
    graph: GraphKind
    precision: Precision
    tile_size: Size | None
    halo: int | None
    padding: Padding
    inside_only: bool
    inside: InsideVariant | None
    files: tuple[FileEntry, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    mac_per_hr_pixel: float
    made_by: dict[str, str]
    least_runtime: dict[str, str]
    legacy: bool
    quantization: QuantizationRecord | None
    pooled: int = 0
    bounds: SizeBounds | None = None

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Names of the runtimes that open it, the preferred one first."""
        return tuple(use.name for use in self.uses)

    @property
    def file(self) -> FileEntry:
        """The file that is opened."""
        return self.files[0]

    @property
    def size_bytes(self) -> int:
        """The size of all its files in bytes."""
        return sum(entry.size_bytes for entry in self.files)

    def use(self, runtime: str) -> RuntimeUse:
        """The record of how one of its runtimes uses it; raises InputError for another runtime."""
        found = next((use for use in self.uses if use.name == runtime), None)
        if found is None:
            raise InputError(f"{self.id} cannot run on {runtime!r}: it opens in {', '.join(self.runtimes)}")
        return found

    @property
    def is_reference(self) -> bool:
        """Whether others of its shape are measured against it."""
        return self.precision == REFERENCE

    @property
    def shape_key(self) -> tuple[object, ...]:
        """The properties that artifacts share which differ in precision alone."""
        return self.format, self.graph, self.tile_size, self.padding

    def fits(self, size: Size, runtime: str) -> bool:
        """Whether an LR image of this size can be its input on a runtime."""
        bounded = self.bounds is None or self.bounds.hold(size)
        return bounded and (self.tile_size is None or self.use(runtime).resizable or self.tile_size == size)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """The difference from the float32 reference that an artifact of one precision may have; errors are on the 0..255
    scale. Moreover, no artifact may be farther from the reference than bilinear upsampling is.
    """

    min_psnr_db: float
    max_abs_error: float
    max_mean_shift: float
    max_border_error: float


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A recorded run of the reference: LR ``input`` (c,h,w), SR ``output`` and ``residual`` (c,H,W), float32 .npy.

    ``k`` and ``sigma`` are its projection factor and noise level, None where the generator has no projection.
    ``zero_padded_residual`` is that of the same weights with zero padding, None where the generator pads so anyway.
    ``intermediates`` are tensors inside, by name (one golden only), or samples; ``tolerances`` go by precision.
    """

    id: str
    size: Size
    k: float | None
    sigma: float | None
    source: str
    input: FileEntry
    output: FileEntry
    residual: FileEntry
    zero_padded_residual: FileEntry | None
    intermediates: dict[str, FileEntry]
    tolerances: dict[str, Tolerance]

    def files(self) -> tuple[FileEntry, ...]:
        """All files of this golden."""
        extra = () if self.zero_padded_residual is None else (self.zero_padded_residual,)
        return (self.input, self.output, self.residual, *extra, *self.intermediates.values())


@dataclass(frozen=True, kw_only=True)
class Glue:
    """Float arithmetic around a tile graph. No noise level or alpha: the residual is subtracted as it is.

    ``upsample`` is what it is subtracted from; "none": a tile graph gives the picture itself, which is clipped.
    """

    upsample: Literal["bilinear", "none"]
    noise_level: Literal["db7-mad"] | None
    alpha: float | None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The source of the weights: file name, SHA-256 and number of parameters."""

    name: str
    sha256: str
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """``tile_size`` is the default for dynamic graphs, ``minimum_side`` the least LR side.

    Its graphs pad other sides by reflection to multiples of ``multiple``; ``tiling`` is None where none was recorded.
    """

    schema_version: int
    edgesr_version: str
    generator: dict[str, Any]
    scale: int
    minimum_side: int
    multiple: int
    colour: Colour
    tiling: Tiling | None
    reference: ReferenceKind
    tile_size: Size
    glue: Glue
    checkpoint: Checkpoint
    artifacts: tuple[Artifact, ...]
    goldens: tuple[Golden, ...]

    def files(self) -> tuple[FileEntry, ...]:
        """Every file of the bundle but the manifest itself."""
        return tuple(f for a in self.artifacts for f in a.files) + tuple(f for g in self.goldens for f in g.files())
