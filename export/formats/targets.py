"""The table of what can be exported: target -> precisions, graphs, runtimes and required packages."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn, get_args

from edgesr.runtimes.bundle.manifest import GraphKind, Layout, Precision, Size, Tolerance
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.packages import installed_version, require_packages

EXTRA = "export"
_BELOW_PYTHON_3_12 = frozenset(("tensorflow", "tf_keras", "onnx2tf"))


@dataclass(frozen=True)
class Target:
    """A file format to export to. ``dynamic`` files take any height and width, the others one fixed size.

    ``why_not_others`` tells why it lacks precisions that other targets have.
    """

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
    why_not_others: str = ""


@dataclass(frozen=True)
class ArtifactPlan:
    """One artifact to make. ``zero_padded``: with zero padding in place of the generator's own."""

    target: Target
    graph: GraphKind
    precision: Precision
    tile_size: Size | None
    zero_padded: bool = False

    @property
    def id(self) -> str:
        size = "" if self.tile_size is None else f"-{self.tile_size[0]}x{self.tile_size[1]}"
        return f"{self.target.name}-{self.precision}-{self.graph}{'-zero' if self.zero_padded else ''}{size}"


CALIBRATED: tuple[Precision, ...] = ("int8", "w8a16")
_WORST_GOLDEN_BELOW_BUDGET_DB = 3.0


def tolerances(int8_min_psnr_db: float, int8_max_shift: float) -> dict[str, Tolerance]:
    """What each precision may differ from float32 on every golden; int8 by its budget, which is for a mean of tiles."""
    rows = {
        "fp32": (95.0, 0.05, 0.002, 0.05),
        "fp16": (70.0, 1.0, 0.1, 1.0),
        "fp16a": (50.0, 16.0, 0.1, 16.0),
        "w8a16": (38.0, 64.0, 0.6, 64.0),
        "w8": (38.0, 64.0, 0.6, 64.0),
        "w8d": (32.0, 96.0, 2.0, 96.0),
        "int8": (max(int8_min_psnr_db - _WORST_GOLDEN_BELOW_BUDGET_DB, 0.0), 64.0, 2 * int8_max_shift, 64.0),
    }
    return {
        precision: Tolerance(min_psnr_db=psnr, max_abs_error=error, max_mean_shift=shift, max_border_error=border)
        for precision, (psnr, error, shift, border) in rows.items()
    }


_ONNX_PACKAGES = ("torch", "onnx", "onnxscript", "onnxsim", "onnxruntime")
TARGETS = {
    target.name: target
    for target in (
        Target(
            name="onnx",
            suffix=".onnx",
            precisions=("fp32", "fp16", "fp16a", "int8", "w8a16"),
            why_not_others="w8 and w8d: ONNX Runtime has no kernel that keeps float activations and gains from them",
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
            precisions=("fp32", "fp16", "int8", "w8", "w8d", "w8a16"),
            why_not_others="fp16a: LiteRT's GPU delegate computes fp16 files in half precision by itself",
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
                "litert-quantizer",
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
            why_not_others="its int8 gave 28 dB and took up to twice as long (qnnpack), and the format is legacy",
        ),
    )
}


def plan_artifacts(
    targets: tuple[str, ...], precisions: tuple[str, ...], graphs: tuple[str, ...], tile_size: Size
) -> list[ArtifactPlan]:
    """All artifacts that were asked for; anything unknown or unsupported is refused with the table.

    A precision that one of several targets lacks is left out there (`left_out` tells why), as long as every target and
    every precision has an artifact.
    """
    for kind, names, known in (
        ("target", targets, tuple(TARGETS)),
        ("precision", precisions, get_args(Precision)),
        ("graph", graphs, get_args(GraphKind)),
    ):
        _require_known(kind, names, known)
    plans = [
        ArtifactPlan(TARGETS[target], graph, precision, None if TARGETS[target].dynamic else tile_size)
        for target in dict.fromkeys(targets)
        for precision in TARGETS[target].precisions
        for graph in TARGETS[target].graphs
        if precision in precisions and graph in graphs
    ]
    for target in targets:
        if not any(plan.target.name == target for plan in plans):
            _refuse(target, precisions)
    for precision in precisions:
        if not any(plan.precision == precision for plan in plans):
            _refuse("/".join(targets), (precision,))
    return plans


def left_out(targets: tuple[str, ...], precisions: tuple[str, ...]) -> list[str]:
    """One line for every target that lacks some of the precisions, with its reason."""
    lines = []
    for target in (TARGETS[name] for name in dict.fromkeys(targets)):
        lacking = [p for p in dict.fromkeys(precisions) if p not in target.precisions]
        if lacking:
            lines.append(f"{target.name} has no {', '.join(lacking)}: {target.why_not_others}")
    return lines


def require_converters(plans: list[ArtifactPlan]) -> None:
    """A MissingPackageError that lists what the planned conversions lack, before any work."""
    packages = dict.fromkeys(p for plan in plans for p in plan.target.packages)
    absent = [name for name in packages if installed_version(name) is None]
    if needs_older_python(absent):
        raise MissingPackageError(
            f"export to TFLite needs {', '.join(absent)}, which edgesr[{EXTRA}] has for Python 3.11 alone: export with "
            "Python 3.11, or leave tflite out with --targets onnx,torchscript"
        )
    require_packages("export", packages, extra=EXTRA)


def needs_older_python(absent: Iterable[str]) -> bool:
    """Whether some of the absent packages cannot be installed for this Python."""
    return sys.version_info >= (3, 12) and not _BELOW_PYTHON_3_12.isdisjoint(absent)


def describe_supported() -> str:
    """The table in one line, for error messages."""
    return "; ".join(f"{t.name}: {'/'.join(t.precisions)} {'/'.join(t.graphs)}" for t in TARGETS.values())


def _refuse(target: str, precisions: tuple[str, ...]) -> NoReturn:
    raise InputError(f"{target} cannot be exported as {', '.join(precisions)}; supported are {describe_supported()}")


def _require_known(kind: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(
            f"unknown {kind} {', '.join(map(repr, unknown)) or '(none given)'}: choose from {', '.join(known)}; "
            f"supported are {describe_supported()}"
        )
