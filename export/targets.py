"""The table of what can be exported: target -> precisions, graphs, runtimes and required packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from runtimes.errors import InputError
from runtimes.manifest import GraphKind, Layout, Precision, Size, Tolerance
from runtimes.registry import require_packages

EXTRA = "export"


@dataclass(frozen=True)
class Target:
    """A file format to export to. ``dynamic`` files take any height and width, the others one fixed size."""

    name: str
    suffix: str
    precisions: tuple[Precision, ...]
    graphs: tuple[GraphKind, ...]
    runtimes: tuple[str, ...]
    layout: Layout
    dynamic: bool
    packages: tuple[str, ...]
    least_runtime: tuple[tuple[str, str], ...]
    legacy: bool = False


@dataclass(frozen=True)
class ArtifactPlan:
    """One artifact to make."""

    target: Target
    graph: GraphKind
    precision: Precision
    tile_size: Size | None

    @property
    def id(self) -> str:
        size = "" if self.tile_size is None else f"-{self.tile_size[0]}x{self.tile_size[1]}"
        return f"{self.target.name}-{self.precision}-{self.graph}{size}"


INPUT_NAME = "lr"
OUTPUT_NAMES: dict[GraphKind, str] = {"full": "sr", "tile": "residual"}
TOLERANCES = {"fp32": Tolerance(min_psnr_db=95.0, max_abs_error=0.05, max_mean_shift=0.002, max_border_error=0.05)}

_ONNX_PACKAGES = ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime")
TARGETS = {
    target.name: target
    for target in (
        Target(
            name="onnx",
            suffix=".onnx",
            precisions=("fp32",),
            graphs=("full", "tile"),
            runtimes=("ort",),
            layout="NCHW",
            dynamic=True,
            packages=_ONNX_PACKAGES,
            least_runtime=(("onnxruntime", "1.18"),),  # the first that reads ONNX IR version 10
        ),
        Target(
            name="tflite",
            suffix=".tflite",
            precisions=("fp32",),
            graphs=("full", "tile"),
            runtimes=("tflite",),
            layout="NHWC",
            dynamic=False,
            packages=(
                *_ONNX_PACKAGES,
                "tensorflow",
                "tf_keras",
                "onnx2tf",
                "onnx_graphsurgeon",
                "sng4onnx",
                "psutil",
                "ai-edge-litert",
            ),
            least_runtime=(("ai-edge-litert", "2.0"),),
        ),
        Target(
            name="torchscript",
            suffix=".ptl",
            precisions=("fp32",),
            graphs=("full", "tile"),
            runtimes=("torchscript",),
            layout="NCHW",
            dynamic=True,
            packages=("torch",),
            least_runtime=(("torch", "2.13.0"),),
            legacy=True,
        ),
    )
}


def plan_artifacts(
    targets: tuple[str, ...], precisions: tuple[str, ...], graphs: tuple[str, ...], tile_size: Size
) -> list[ArtifactPlan]:
    """All artifacts that were asked for; anything unknown or unsupported is refused with the table."""
    for kind, names, known in (
        ("target", targets, tuple(TARGETS)),
        ("precision", precisions, get_args(Precision)),
        ("graph", graphs, get_args(GraphKind)),
    ):
        _require_known(kind, names, known)
    return [
        _plan(TARGETS[target], graph, precision, tile_size)
        for target in dict.fromkeys(targets)
        for precision in dict.fromkeys(precisions)
        for graph in dict.fromkeys(graphs)
    ]


def require_converters(plans: list[ArtifactPlan]) -> None:
    """A MissingPackageError that lists what the planned conversions lack, before any work."""
    require_packages("export", dict.fromkeys(p for plan in plans for p in plan.target.packages), extra=EXTRA)


def describe_supported() -> str:
    """The table in one line, for error messages."""
    return "; ".join(f"{t.name}: {'/'.join(t.precisions)} {'/'.join(t.graphs)}" for t in TARGETS.values())


def _plan(target: Target, graph: str, precision: str, tile_size: Size) -> ArtifactPlan:
    if precision not in target.precisions or graph not in target.graphs:
        raise InputError(
            f"{target.name} cannot be exported as {precision} {graph}; supported are {describe_supported()}"
        )
    return ArtifactPlan(target, graph, precision, None if target.dynamic else tile_size)


def _require_known(kind: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(
            f"unknown {kind} {', '.join(map(repr, unknown)) or '(none given)'}: choose from {', '.join(known)}; "
            f"supported are {describe_supported()}"
        )
