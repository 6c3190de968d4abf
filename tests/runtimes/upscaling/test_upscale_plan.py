"""The choice of the artifact that upscales an image, of its tiles, and of its memory."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from edgesr.runtimes.bundle.manifest import Artifact, InsideVariant, RunMemory, Size
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.interface.runtime import Runtime
from edgesr.runtimes.upscaling.options import DEFAULT_MEMORY_BYTES, UpscaleOptions
from edgesr.runtimes.upscaling.plan import UpscalePlan, plan_upscale
from tests.helpers.small_bundle import with_uses
from tests.helpers.whole_runs import RUNTIMES_HERE

SIZES: list[Size] = [(1, 1), (2, 300), (300, 2), (33, 47), (64, 64), (339, 510), (3000, 4000)]
BUDGETS = (20, 40, 100, 256, 1000, 20_000)


def plan(bundle: Bundle, size: Size = (64, 64), **options: Any) -> UpscalePlan:
    return plan_upscale(bundle, size, UpscaleOptions(**options))


def names(bundle: Bundle, size: Size = (64, 64), **options: Any) -> tuple[str, str]:
    chosen = plan(bundle, size, **options)
    return chosen.artifact.id, chosen.runtime


def with_artifacts(bundle: Bundle, *artifacts: Artifact) -> Bundle:
    return Bundle(bundle.root, dataclasses.replace(bundle.manifest, artifacts=artifacts))


def fixed(bundle: Bundle, memory: RunMemory | None = None) -> Bundle:
    """Only the TFLite tile graph of 64x64, as if its runtime could not resize it."""
    artifact = bundle.artifact("tflite-fp32-tile-64x64")
    return with_artifacts(bundle, with_uses(artifact, resizable=False, memory=memory))


@pytest.mark.parametrize("size", [(64, 64), (33, 47)])
def test_tile_graph_on_onnx_runtime_is_preferred(size: Size, mobile_bundle: Bundle) -> None:
    assert names(mobile_bundle, size) == ("onnx-fp32-tile", "ort")


def test_what_was_asked_for_is_chosen(mobile_bundle: Bundle) -> None:
    assert names(mobile_bundle, runtime="tflite") == ("tflite-fp32-tile-64x64", "tflite")
    assert names(mobile_bundle, (9, 9), runtime="torchscript") == ("torchscript-fp32-tile", "torchscript")
    assert names(mobile_bundle, artifact_id="onnx-fp32-full") == ("onnx-fp32-full", "ort")
    assert names(mobile_bundle, artifact_id="onnx-fp32-tile", runtime="ort") == ("onnx-fp32-tile", "ort")


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ("onnxruntime", ("onnx-fp32-tile", "ort")),
        ("ai-edge-litert", ("tflite-fp32-tile-64x64", "tflite")),
        ("torch", ("torchscript-fp32-tile", "torchscript")),
        ("none", ("onnx-fp32-tile", "ort")),
    ],
)
def test_installed_runtime_comes_before_preference(
    installed: str, expected: tuple[str, str], mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no runtime at all the preferred one is named, so that its install command is what the user reads."""
    monkeypatch.setattr(Runtime, "version", lambda self: "1" if self.distribution == installed else None)
    assert names(mobile_bundle) == expected


def test_named_runtime_is_chosen_though_it_is_not_installed(
    mobile_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runtime, "version", lambda self: "1" if self.name == "ort" else None)
    assert names(mobile_bundle, runtime="tflite")[1] == "tflite"


def test_order_of_preference(mobile_bundle: Bundle) -> None:
    """Float32 before other precisions, tile graphs before full graphs, legacy formats last."""
    full, tile = (mobile_bundle.artifact(f"onnx-fp32-{graph}") for graph in ("full", "tile"))
    int8 = dataclasses.replace(tile, id="int8", precision="int8")
    legacy = dataclasses.replace(tile, id="legacy", legacy=True)
    order = [tile, full, int8, legacy]
    while order:
        assert plan(with_artifacts(mobile_bundle, *reversed(order))).artifact == order.pop(0)


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        ((64, 64), {"artifact_id": "nope"}, "no artifact 'nope'; it has onnx-fp32-full"),
        ((64, 64), {"runtime": "nope"}, "unknown runtime 'nope'"),
        ((64, 64), {"artifact_id": "onnx-fp32-full", "runtime": "tflite"}, "nothing in it opens in runtime 'tflite'"),
        ((48, 40), {"artifact_id": "tflite-fp32-full-64x64"}, r"takes only 64x64 \(height x width\), not 48x40"),
        (
            (64, 64),
            {"artifact_id": "onnx-fp32-tile", "tile_size": (30, 31)},
            "30x31 are too small: .* of 15 .* 31",
        ),
        ((64, 64), {"tile_size": (30, 31)}, "30x31 are too small: .* has a halo of"),
        ((900, 900), {"memory_bytes": 1_000_000}, "memory of 1 MB is too little for tiles of onnx-fp32-tile"),
    ],
)
def test_what_cannot_be_done_is_refused(
    size: Size, options: dict[str, Any], message: str, mobile_bundle: Bundle
) -> None:
    """A full graph, which takes the whole image at once, is no way out of a memory or a tile size."""
    with pytest.raises(InputError, match=message):
        plan(mobile_bundle, size, **options)


def test_little_memory_does_not_change_the_precision(mobile_bundle: Bundle) -> None:
    tile = mobile_bundle.artifact("onnx-fp32-tile")
    small = RunMemory(fixed_bytes=1, bytes_per_lr_pixel=1.0)
    int8 = with_uses(dataclasses.replace(tile, id="onnx-int8-tile", precision="int8"), memory=small)
    bundle = with_artifacts(mobile_bundle, int8, tile)
    with pytest.raises(InputError, match="too little for tiles of onnx-fp32-tile"):
        plan(bundle, memory_bytes=1_000_000)
    assert names(bundle, memory_bytes=1_000_000, artifact_id="onnx-int8-tile") == ("onnx-int8-tile", "ort")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads is 0"),
        ({"memory_bytes": 0}, "memory is 0 bytes"),
        ({"tile_size": (0, 5)}, "at least 1 pixel"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        UpscaleOptions(**options)


@pytest.mark.parametrize("runtime", ["ort", "tflite", "torchscript", "executorch", "ncnn", "mnn"])
@pytest.mark.parametrize("ensemble", [False, True])
def test_memory_is_kept(runtime: str, ensemble: bool, any_bundle: Bundle) -> None:
    """Whatever the size; a larger memory never gives more work."""
    halo = next(a.halo for a in any_bundle.manifest.artifacts if a.graph == "tile")
    assert halo is not None
    least = any_bundle.manifest.minimum_side  # what the upscaler pads smaller images to
    for size in ((max(height, least), max(width, least)) for height, width in SIZES):
        pixels: list[int] = []
        for budget in BUDGETS:
            try:
                chosen = plan(any_bundle, size, runtime=runtime, memory_bytes=budget * 10**6, self_ensemble=ensemble)
            except InputError:
                assert not pixels, "a smaller memory was enough"
                continue
            assert chosen.artifact.graph == "tile", "a full graph takes the whole image at once"
            assert chosen.memory_bytes is not None
            assert chosen.memory_bytes <= budget * 10**6
            height, width = chosen.grid.tile_size
            assert (height == size[0] or height > 2 * halo) and (width == size[1] or width > 2 * halo)
            pixels.append(chosen.grid.pixels)
        assert pixels == sorted(pixels, reverse=True)
        assert pixels[-1] >= size[0] * size[1]


def test_memory_unless_given(any_bundle: Bundle) -> None:
    for size in SIZES:
        given = plan(any_bundle, size, memory_bytes=DEFAULT_MEMORY_BYTES)
        assert plan(any_bundle, size) == given
        assert given.memory_bytes is not None and given.memory_bytes <= 256_000_000


def test_refusal_names_a_memory_that_is_enough(any_bundle: Bundle) -> None:
    for artifact in any_bundle.manifest.artifacts:
        if artifact.graph != "tile" or artifact.inside_only or artifact.runtimes[0] not in RUNTIMES_HERE:
            continue
        for size in ((33, 47), (2, 3000), (500, 500), (3000, 4000)):
            for ensemble in (False, True):
                options = {"artifact_id": artifact.id, "self_ensemble": ensemble}
                with pytest.raises(InputError, match="memory of 1 MB is too little") as refusal:
                    plan(any_bundle, size, memory_bytes=1_000_000, **options)
                (megabytes,) = re.findall(r"give at least (\d+) MB", str(refusal.value))
                enough = plan(any_bundle, size, memory_bytes=int(megabytes) * 10**6, **options)
                assert enough.memory_bytes is not None and enough.memory_bytes <= int(megabytes) * 10**6


def test_band_of_rows_is_part_of_the_memory(mobile_bundle: Bundle) -> None:
    """In order of rows a whole band of the output is held, however narrow the tiles are."""
    row_bytes = 10_000 * 4 * 4 * 3
    options = UpscaleOptions(memory_bytes=100_000_000)
    chosen = plan_upscale(mobile_bundle, (1000, 10_000), options, row_bytes=row_bytes, in_order=True)
    assert len(chosen.grid.columns) > 1
    band = max(span.keep_stop - span.keep_start for span in chosen.grid.rows) * row_bytes
    memory = chosen.artifact.use(chosen.runtime).memory
    assert memory is not None and chosen.memory_bytes is not None
    assert memory.bytes_at(chosen.grid.tile_size) + band <= chosen.memory_bytes <= 100_000_000


def test_tile_size_is_taken(any_bundle: Bundle) -> None:
    halo = next(a.halo for a in any_bundle.manifest.artifacts if a.graph == "tile")
    assert halo is not None
    tile = (2 * halo + 1, 2 * halo + 2)
    for runtime in ("ort", "tflite", "torchscript", "ncnn", "mnn"):
        assert plan(any_bundle, (90, 80), runtime=runtime, tile_size=tile).grid.tile_size == tile
        assert plan(any_bundle, (20, 80), runtime=runtime, tile_size=(500, tile[1])).grid.tile_size == (20, tile[1])
        assert plan(any_bundle, (1, 1), runtime=runtime, tile_size=(1, 1)).grid.tiles == 1


def test_fixed_tiles(mobile_bundle: Bundle) -> None:
    """Their size is the only one: no smaller image, no other tile, no smaller memory."""
    bundle = fixed(mobile_bundle, RunMemory(fixed_bytes=50_000_000, bytes_per_lr_pixel=0))
    chosen = plan(bundle, (64, 200), tile_size=(64, 64))
    assert (chosen.grid.tile_size, len(chosen.grid.rows), len(chosen.grid.columns)) == ((64, 64), 1, 5)
    assert chosen.memory_bytes is not None and 50_000_000 < chosen.memory_bytes < 51_000_000
    assert plan(bundle, (64, 200), memory_bytes=51_000_000).grid == chosen.grid
    assert plan(fixed(mobile_bundle), (64, 200)).grid == chosen.grid, "was not measured"
    assert plan(bundle, (64, 200), self_ensemble=True).grid == chosen.grid, "square tiles can be turned"
    with pytest.raises(InputError, match=r"63x200 \(height x width\) is smaller than the tiles of tflite-fp32-tile"):
        plan(bundle, (63, 200))
    with pytest.raises(InputError, match="has tiles of 64x64 only; leave --tile-size out"):
        plan(bundle, (64, 200), tile_size=(32, 64))
    with pytest.raises(InputError, match=r"memory of 9 MB is too little .* at least 52 MB, or export with a smaller"):
        plan(bundle, (64, 200), memory_bytes=9_000_000)


def test_fixed_tiles_that_are_not_square_cannot_be_turned(mobile_bundle: Bundle) -> None:
    (artifact,) = fixed(mobile_bundle).manifest.artifacts
    bundle = with_artifacts(mobile_bundle, dataclasses.replace(artifact, tile_size=(48, 64)))
    assert plan(bundle, (64, 64)).grid.tiles == 2
    with pytest.raises(InputError, match="self-ensemble turns its tiles, which must be square"):
        plan(bundle, (64, 64), self_ensemble=True)


def test_inside_variant_runs_what_touches_no_border(projection_bundle: Bundle) -> None:
    """Never in order of rows, where sessions would change from tile to tile."""
    artifact = projection_bundle.artifact("onnx-fp32-tile")
    zero = dataclasses.replace(artifact, id="zero", inside_only=True, inside=None, padding="zero")
    border = dataclasses.replace(artifact, inside=InsideVariant(time_ratio=0.5, artifact="zero"))
    bundle = with_artifacts(projection_bundle, zero, border)
    options = UpscaleOptions(tile_size=(13, 13))
    chosen = plan_upscale(bundle, (33, 40), options)
    assert (chosen.artifact, chosen.inside) == (border, zero)
    rows, columns = chosen.grid.rows, chosen.grid.columns
    used = {(r, c): chosen.artifact_for(row, col).id for r, row in enumerate(rows) for c, col in enumerate(columns)}
    inner = {(r, c) for r in range(1, len(rows) - 1) for c in range(1, len(columns) - 1)}
    assert {place for place, name in used.items() if name == "zero"} == inner
    assert len(inner) == 6
    in_order = plan_upscale(bundle, (33, 40), options, in_order=True)
    assert (in_order.artifact, in_order.inside) == (border, border)
    for unused in (None, "zero"):
        with pytest.raises(InputError, match="zero: is exact only inside an image" if unused else "nothing in it"):
            plan(with_artifacts(projection_bundle, zero), artifact_id=unused)
