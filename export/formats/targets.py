"""The table of export targets, and the choice of the artifacts that an export makes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn, get_args

from edgesr.export.formats.coreml_target import COREML
from edgesr.export.formats.executorch_target import EXECUTORCH
from edgesr.export.formats.mnn_target import MNN
from edgesr.export.formats.ncnn_target import NCNN
from edgesr.export.formats.onnx_target import ONNX
from edgesr.export.formats.target import ArtifactPlan
from edgesr.export.formats.tflite_target import TFLITE
from edgesr.export.formats.torchscript_target import TORCHSCRIPT
from edgesr.export.quantization.precisions import FLOAT, PRECISIONS
from edgesr.runtimes.adapters.registry import is_usable, require_usable, runtime_info
from edgesr.runtimes.bundle.manifest import GraphKind, Size
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.interface.runtime import Runtime
from edgesr.runtimes.packages import installed_version, require_packages

EXTRA = "export"
TARGETS = {target.name: target for target in (ONNX, TFLITE, TORCHSCRIPT, EXECUTORCH, NCNN, MNN, COREML)}
ALL = "all"
"""In place of names: all targets that can be made here."""
DEFAULT_TARGETS = (ONNX.name, TFLITE.name, TORCHSCRIPT.name)
"""Those of an export that names none: the others need packages of their own."""


def plan_artifacts(
    targets: tuple[str, ...],
    precisions: tuple[str, ...],
    graphs: tuple[str, ...],
    tile_size: Size,
    delegate: str | None = None,
) -> list[ArtifactPlan]:
    """All artifacts that were asked for; anything unknown or unsupported is refused with the table.

    Files of the targets that have a ``delegate`` are rewritten for it.

    A precision that one of several targets lacks is left out there (`left_out` tells why), as long as every target and
    every precision has an artifact.
    """
    for kind, names, known in (
        ("target", targets, tuple(TARGETS)),
        ("precision", precisions, tuple(PRECISIONS)),
        ("graph", graphs, get_args(GraphKind)),
    ):
        _require_known(kind, names, known)
    _require_delegate(delegate, targets)
    plans = [
        ArtifactPlan(
            TARGETS[target],
            graph,
            precision,
            None if TARGETS[target].dynamic else tile_size,
            delegate=delegate if delegate in TARGETS[target].delegates else None,
            asked_size=tile_size if TARGETS[target].bounded else None,
        )
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


def all_targets(precisions: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """Every target that has one of these precisions and whose packages are here, and a line on each other one.

    Raises a MissingPackageError where none is left.
    """
    names: list[str] = []
    lines: list[str] = []
    for name, target in TARGETS.items():
        absent = [package for package in target.packages if installed_version(package) is None]
        if set(precisions).isdisjoint(target.precisions):
            lines.append(f"{name} is left out: it has no {', '.join(precisions)}")
        elif needs_older_python(absent):
            lines.append(f"{name} is left out: it needs {', '.join(absent)}, for which Python 3.11 is needed")
        elif absent:
            lines.append(f"{name} is left out: it needs {', '.join(absent)}: pip install 'edgesr[{target.extra}]'")
        else:
            names.append(name)
    if not names:
        raise MissingPackageError(f"--targets {ALL}: nothing is left to export: {'; '.join(lines)}")
    return tuple(names), lines


def targets_of_onnx(targets: tuple[str, ...], *, named: bool) -> tuple[tuple[str, ...], list[str]]:
    """The targets that an existing ONNX file can become, and a line on each that is left out. ``named`` says that
    the user chose them: then it raises an InputError if one of them is left out.
    """
    without = {name: TARGETS[name].why_not_of_onnx for name in targets if name in TARGETS}
    lines = [f"{name} is left out: {why_not}" for name, why_not in without.items() if why_not]
    possible = tuple(name for name in targets if not without.get(name))
    if lines and named:
        first = next(name for name, why_not in without.items() if why_not)
        others = ",".join(name for name, target in TARGETS.items() if not target.why_not_of_onnx)
        raise InputError(f"--targets {first}: {without[first]}; give --targets {others}")
    return possible, lines


def left_out(targets: tuple[str, ...], precisions: tuple[str, ...]) -> list[str]:
    """One line for every target that lacks some of the precisions, with its reason."""
    lines = []
    for target in (TARGETS[name] for name in dict.fromkeys(targets)):
        lacking = [p for p in dict.fromkeys(precisions) if p not in target.precisions]
        if lacking:
            lines.append(f"{target.name} has no {', '.join(lacking)}: {target.why_not_others}")
    return lines


def not_measured(plans: Sequence[ArtifactPlan]) -> list[str]:
    """One line for every runtime that opens planned files and cannot run here, so that nothing is measured there."""
    names = dict.fromkeys(name for plan in plans for name in plan.runtimes)
    return [_not_measured(runtime_info(name)) for name in names if not is_usable(name)]


def _not_measured(runtime: Runtime) -> str:
    if runtime.why_not_here is not None:
        return f"{runtime.name} files are not run: {runtime.why_not_here}; check them there with 'edgesr parity'"
    return (
        f"{runtime.name} is not installed: what the files take in it is not measured, so upscale has tiles of the "
        f"bundle's tile size there and refuses --memory; for that export again after {runtime.install_command}"
    )


def require_converters(plans: list[ArtifactPlan]) -> None:
    """Raise a MissingPackageError that lists what the planned conversions lack, before any work.

    Files of lower precision are run on their preferred runtime, where it runs on this system.
    """
    packages = dict.fromkeys(p for plan in plans for p in plan.target.packages)
    absent = [name for name in packages if installed_version(name) is None]
    if needs_older_python(absent):
        older = [target for target in TARGETS.values() if not set(absent).isdisjoint(target.packages_below_3_12)]
        others = ",".join(name for name, target in TARGETS.items() if target not in older)
        raise MissingPackageError(
            f"export to {_joined(target.title for target in older)} needs {', '.join(absent)}, which edgesr[{EXTRA}] "
            f"has for Python 3.11 alone: export with Python 3.11, or leave {_joined(target.name for target in older)} "
            f"out with --targets {others}"
        )
    lacking = (plan.target.extra for plan in plans if not set(absent).isdisjoint(plan.target.packages))
    require_packages("export", packages, extra=",".join(dict.fromkeys(lacking)) or EXTRA)
    for runtime in dict.fromkeys(plan.runtimes[0] for plan in plans if plan.precision != FLOAT):
        if runtime_info(runtime).why_not_here is None:
            require_usable(runtime_info(runtime))


def needs_older_python(absent: Iterable[str]) -> bool:
    """Whether some of the absent packages cannot be installed for this Python."""
    below = {package for target in TARGETS.values() for package in target.packages_below_3_12}
    return sys.version_info >= (3, 12) and not below.isdisjoint(absent)


def describe_supported() -> str:
    """The table in one line, for error messages."""
    return "; ".join(f"{t.name}: {'/'.join(t.precisions)} {'/'.join(t.graphs)}" for t in TARGETS.values())


def delegates() -> tuple[str, ...]:
    """The delegates that files can be rewritten for."""
    return tuple(dict.fromkeys(name for target in TARGETS.values() for name in target.delegates))


def _require_delegate(delegate: str | None, targets: tuple[str, ...]) -> None:
    if delegate is None:
        return
    having = [name for name, target in TARGETS.items() if delegate in target.delegates]
    if not having:
        raise InputError(
            f"--delegate {delegate!r}: files are rewritten for {', '.join(delegates())} alone; 'edgesr inspect' tells "
            "what others refuse"
        )
    if set(having).isdisjoint(targets):
        raise InputError(f"--delegate {delegate}: rewrites {_joined(having)} files; add {having[0]} to --targets")


def _refuse(target: str, precisions: tuple[str, ...]) -> NoReturn:
    raise InputError(f"{target} cannot be exported as {', '.join(precisions)}; supported are {describe_supported()}")


def _require_known(kind: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(
            f"unknown {kind} {', '.join(map(repr, unknown)) or '(none given)'}: choose from {', '.join(known)}; "
            f"supported are {describe_supported()}"
        )


def _joined(names: Iterable[str]) -> str:
    return " and ".join(names)
