"""A target: a file format to export to, its files, and the steps that make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol

from edgesr.export.steps.rewriting import Rewriting
from edgesr.runtimes.bundle.manifest import GraphKind, Layout, Precision, Size

if TYPE_CHECKING:
    from edgesr.export.graphs.layer_graphs import LayeredFile

P = ParamSpec("P")
RewriteStep = Callable[[Path, Rewriting, Path, GraphKind], None]
"""Writes the file of lower precision into a folder: the rewriting, the float32 file and its graph."""


@dataclass(frozen=True)
class ArtifactPlan:
    """One artifact to make. ``zero_padded``: with zero padding in place of the generator's own.

    ``delegate``: the one whose operator list the file is rewritten for. ``asked_size``: the bundle's tile size, which
    a file of a bounded target takes among others.
    """

    target: Target
    graph: GraphKind
    precision: Precision
    tile_size: Size | None
    zero_padded: bool = False
    delegate: str | None = None
    asked_size: Size | None = None

    @property
    def runtimes(self) -> tuple[str, ...]:
        """Names of the runtimes that open it, the preferred one first."""
        return self.target.runtimes_of.get(self.precision, self.target.runtimes)

    @property
    def id(self) -> str:
        size = "" if self.tile_size is None else f"-{self.tile_size[0]}x{self.tile_size[1]}"
        return f"{self.target.name}-{self.precision}-{self.graph}{'-zero' if self.zero_padded else ''}{size}"


class OpenLayers(Protocol):
    """Opens a file whose inner tensors can be read."""

    def __call__(self, path: Path) -> LayeredFile: ...


class DelegateStep(Protocol):
    """A step that writes the `DelegateUse` of a file, as ``delegate.inspect``."""

    def __call__(
        self, folder: Path, onnx_file: Path, file: Path, *, name: str, graph: GraphKind, wide_file: Path | None
    ) -> None: ...


class Sources(Protocol):
    """The sources of float32 files, and the cache in which a step is run."""

    @property
    def checkpoint(self) -> Path:
        """The generator's checkpoint, one of our safetensors files."""

    def onnx_file(self, graph: GraphKind, *, zero_padded: bool = False) -> Path:
        """The float32 ONNX file of a graph."""

    def run(
        self, plan: ArtifactPlan, step: Callable[Concatenate[Path, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> Path:
        """The folder of what a step made for an artifact."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A file format to export to. ``dynamic`` files take any height and width, the others one fixed size; those of a
    ``bounded`` target take sizes between two, which each conversion tells.

    ``why_not_others`` tells why it lacks precisions that other targets have; ``packages_below_3_12`` are those of its
    packages that no Python from 3.12 on can have; ``reduced_range``: weights of its int8 files have 7 bits.
    ``runtimes`` open its files, the preferred one first, but those of a precision that ``runtimes_of`` has.
    ``convert`` gives the folder with ``model`` and the suffix, in float32. ``rewrite``: the step to a lower precision.
    ``converts_apart``: its converter is another process, which others can run next to.
    ``coarse_glue``: precisions in which it computes the glue of a full graph too, in too few digits for the noise level
    and the norm of a whole image.
    ``extra`` of edgesr installs its ``packages``.
    ``why_not_of_onnx``: why no existing ONNX file can become one, empty where it can.
    ``delegates``: those that its files can be rewritten for.
    ``inspect_delegate``: the step that looks what the runtime's delegate takes of a file, where it has one.
    ``open_layers`` opens a file whose inner tensors can be read, with ``layer_packages``, but for precisions that
    ``open_layers_of`` has; where there is none, ``why_no_layers`` tells why.
    """

    name: str
    title: str
    suffix: str
    precisions: tuple[Precision, ...]
    graphs: tuple[GraphKind, ...]
    runtimes: tuple[str, ...]
    runtimes_of: Mapping[Precision, tuple[str, ...]] = field(default_factory=dict)
    layout: Layout
    dynamic: bool
    packages: tuple[str, ...]
    least_runtime: tuple[tuple[str, str], ...]
    convert: Callable[[Sources, ArtifactPlan], Path]
    rewrite: RewriteStep | None = None
    reduced_range: bool = False
    coarse_glue: tuple[Precision, ...] = ()
    delegates: tuple[str, ...] = ()
    inspect_delegate: DelegateStep | None = None
    open_layers: OpenLayers | None = None
    open_layers_of: Mapping[Precision, OpenLayers] = field(default_factory=dict)
    layer_packages: tuple[str, ...] = ()
    why_no_layers: str = ""
    bounded: bool = False
    packages_below_3_12: tuple[str, ...] = ()
    legacy: bool = False
    converts_apart: bool = False
    why_not_others: str = ""
    why_not_of_onnx: str = ""
    extra: str = "export"

    @property
    def file_name(self) -> str:
        """Name of a file of this target in the folder of the step that made it."""
        return f"model{self.suffix}"
