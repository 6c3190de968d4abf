"""Two artifacts of a bundle, or one and PyTorch, compared layer by layer: where the error begins and how it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgesr.benchmarks.machine.environment import Environment, current_environment
from edgesr.benchmarks.results.header import BundleIdentity, ResultFile, bundle_identity, utc_now
from edgesr.export.diff.differences import LayerDifference, compare
from edgesr.export.diff.layer_tensors import (
    artifact_tensors,
    open_reference,
    require_layers,
)
from edgesr.export.diff.options import DiffOptions
from edgesr.export.diff.recorded import against_pytorch
from edgesr.export.graphs.layer_graphs import Layer, LayerTensors
from edgesr.export.quantization.precisions import PRECISIONS
from edgesr.runtimes.bundle.manifest import Artifact, Golden, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError

PYTORCH = "pytorch"


@dataclass(frozen=True, kw_only=True)
class DiffResult(ResultFile):
    """Content of ``edgesr diff --json``. ``b`` is the reference: an artifact's id, or "pytorch".

    ``exact``: in exact arithmetic, as `DiffOptions` says. ``size``: LR height and width of the golden. ``first_over``:
    the first layer above the threshold, None when none is. ``not_compared``: tensors that only one of both has, or both
    in other axes, and PyTorch's modules that no tensor of files is.
    """

    KIND = "diff"
    VERSION = 7
    OLDEST_VERSION = 6
    COMMAND = "edgesr diff --json"

    schema_version: int
    kind: str
    created_utc: str
    bundle: BundleIdentity
    environment: Environment
    a: str
    b: str
    golden: str
    size: Size
    exact: bool
    threshold: float
    layers: tuple[LayerDifference, ...]
    first_over: str | None
    not_compared: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """No layer is above the threshold."""
        return all(layer.passed for layer in self.layers)


def compare_layers(bundle: Bundle, a: str, b: str, options: DiffOptions) -> DiffResult:
    """Compare artifact ``a`` with artifact ``b``, or with PyTorch where ``b`` is "pytorch", on a golden."""
    first, second = _artifact(bundle, a, options), None if b == PYTORCH else _artifact(bundle, b, options)
    _require_comparable(first, second)
    if second is None and bundle.manifest.reference != PYTORCH:
        raise InputError(f"{a}: the bundle was made from an ONNX file, without PyTorch; compare two artifacts")
    compared = [first] if second is None else [first, second]
    chosen = _golden(bundle, compared, options.golden, recorded=second is None)
    limit = default_threshold(first, second) if options.threshold is None else options.threshold
    reference, image = open_reference(bundle, first.graph), bundle.tensor(chosen.input)
    tensors = artifact_tensors(bundle, first, reference, image, exact=options.exact)
    missing: tuple[str, ...] = ()
    if second is None:
        tensors, expected, missing = against_pytorch(bundle, chosen, reference, tensors, limit)
    else:
        expected = artifact_tensors(bundle, second, reference, image, exact=options.exact)
    layers = compare(reference.layers_of(first.graph), tensors, expected, limit, reference.pictures)
    return DiffResult(
        schema_version=DiffResult.VERSION,
        kind=DiffResult.KIND,
        created_utc=utc_now(),
        bundle=bundle_identity(bundle),
        environment=current_environment(),
        a=a,
        b=b,
        golden=chosen.id,
        size=chosen.size,
        exact=options.exact,
        threshold=limit,
        layers=layers,
        first_over=next((layer.name for layer in layers if not layer.passed), None),
        not_compared=(*_left_out(reference.layers_of(first.graph), tensors, expected, layers), *missing),
    )


def _left_out(
    layers: Sequence[Layer], a: LayerTensors, b: LayerTensors, compared: Sequence[LayerDifference]
) -> tuple[str, ...]:
    names = {difference.tensor for difference in compared}
    return tuple(layer.tensor for layer in layers if layer.tensor in (a.names | b.names) - names)


def default_threshold(a: Artifact, b: Artifact | None) -> float:
    """The threshold of the coarser of both precisions; PyTorch counts as float32 (docs/diff.md tells how they were
    chosen).
    """
    return max(PRECISIONS[artifact.precision].diff_threshold for artifact in (a, b or a))


def _artifact(bundle: Bundle, artifact_id: str, options: DiffOptions) -> Artifact:
    if artifact_id == PYTORCH:
        raise InputError(f"{PYTORCH} can only be the second of both: edgesr diff BUNDLE ARTIFACT {PYTORCH}")
    artifact = bundle.artifact(artifact_id)
    require_layers(artifact, exact=options.exact)
    return artifact


def _require_comparable(a: Artifact, b: Artifact | None) -> None:
    if b is None and a.inside_only:
        raise InputError(f"{a.id}: PyTorch's tensors were recorded with the generator's own padding; compare two files")
    if b is not None and (a.graph, a.inside_only) != (b.graph, b.inside_only):
        raise InputError(
            f"{a.id} and {b.id} compute different things ({_kind(a)} and {_kind(b)}); give two of the same graph kind"
        )


def _kind(artifact: Artifact) -> str:
    return f"{artifact.graph}, zero-padded" if artifact.inside_only else artifact.graph


def _golden(bundle: Bundle, artifacts: Sequence[Artifact], golden_id: str | None, *, recorded: bool) -> Golden:
    """The golden that was asked for, the smallest with recorded tensors, or the first that all artifacts take."""
    goldens = [g for g in bundle.manifest.goldens if golden_id in (None, g.id)]
    if not goldens:
        known = ", ".join(g.id for g in bundle.manifest.goldens)
        raise InputError(f"{bundle.root}: no golden {golden_id!r}; it has {known}")
    if recorded:
        goldens = sorted((g for g in goldens if g.intermediates), key=lambda g: g.size[0] * g.size[1])
    fitting = [g for g in goldens if all(a.fits(g.size, a.runtimes[0]) for a in artifacts)]
    if not fitting:
        names = " and ".join(a.id for a in artifacts)
        which = f"golden {golden_id}" if golden_id else "any golden"
        advice = "PyTorch's tensors; compare with the float32 ONNX file instead" if recorded else "a size they take"
        raise InputError(f"{names}: cannot be compared on {which}: it needs one with {advice}")
    return fitting[0]
