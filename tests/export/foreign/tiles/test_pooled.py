"""Networks that pool means of whole images: exact in tiles where the means are given, in passes over all tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgesr.export.diff.diff import diff
from edgesr.export.diff.layers import PYTORCH
from edgesr.export.tiling.pooled_graph import pools_means, with_given_means
from edgesr.runtimes.adapters import ort
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import EdgesrError, InputError
from edgesr.runtimes.interface.runtime import RunSettings
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.plan import plan_upscale
from edgesr.runtimes.upscaling.upscale import upscale, upscale_rows
from tests.export.foreign.test_exports import whole_picture
from tests.export.foreign.tiles.test_tiles import TILES, exported, image_of

RunCli = Callable[..., tuple[int, str, str]]
NAME = "attention.channel_attention"


@pytest.fixture(scope="module")
def pooled_bundle(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Bundle:
    """Three blocks of squeeze and excite in a chain. Do not change it."""
    return exported(NAME, tmp_path_factory.mktemp("bundles"), cache_dir)


@pytest.mark.slow
def test_manifest_tells_of_the_passes(pooled_bundle: Bundle) -> None:
    tiling = pooled_bundle.manifest.tiling
    assert tiling is not None and tiling.error is not None and tiling.halo is not None
    assert (tiling.verdict, tiling.step, tiling.passes in (2, 3, 4)) == ("measured", 1, True)
    assert tiling.error <= 0.01 and tiling.halo <= 4
    assert f"in {tiling.passes} passes over all tiles, for its pooled means" in tiling.text
    assert [(a.graph, a.pooled) for a in pooled_bundle.manifest.artifacts] == [("full", 0), ("tile", 3 * 16)]


@pytest.mark.slow
def test_layers_are_compared_in_full_graphs(pooled_bundle: Bundle) -> None:
    """There is no tile graph that is run on one image alone: the full one names the layers."""
    with pytest.raises(InputError, match="takes means of the whole image beside its tile; compare full graphs"):
        diff(pooled_bundle, TILES, TILES)
    result = diff(pooled_bundle, "onnx-fp32-full", PYTORCH)
    assert result.passed and len(result.layers) == 9 and result.not_compared == ()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 64), (70, 131)])
def test_tiles_give_the_whole_picture(size: tuple[int, int], pooled_bundle: Bundle) -> None:
    image = image_of(size)
    options = UpscaleOptions(artifact_id=TILES, tile_size=(32, 24))
    found = upscale(image, pooled_bundle, options)
    assert np.abs(found - whole_picture(NAME, image)).max() < 0.01
    assert np.array_equal(np.concatenate(list(upscale_rows(image, pooled_bundle, options))), found)


@pytest.mark.slow
def test_one_pass_would_not_do(pooled_bundle: Bundle) -> None:
    """A tile has other means than the image: the test that it takes passes can fail."""
    image = image_of((70, 131))
    plan = plan_upscale(pooled_bundle, (70, 131), UpscaleOptions(artifact_id=TILES, tile_size=(32, 24)))
    tiling = pooled_bundle.manifest.tiling
    assert tiling is not None and plan.passes == tiling.passes
    session = open_session(pooled_bundle, pooled_bundle.artifact(TILES))
    tile = session.infer(np.ascontiguousarray(image[:32, :24].transpose(2, 0, 1)))
    whole = whole_picture(NAME, image).transpose(2, 0, 1)
    assert np.abs(np.clip(tile[:, :40, :30], 0, 255) - whole[:, :40, :30]).max() > 0.05
    one = plan_upscale(pooled_bundle, (70, 131), UpscaleOptions(artifact_id=TILES, tile_size=(200, 200)))
    assert (one.grid.tiles, one.passes) == (1, 1)


@pytest.mark.slow
def test_a_self_ensemble_has_means_of_its_own(pooled_bundle: Bundle) -> None:
    image = image_of((50, 61))
    tiled = UpscaleOptions(artifact_id=TILES, tile_size=(32, 32), self_ensemble=True)
    whole = UpscaleOptions(artifact_id="onnx-fp32-full", self_ensemble=True)
    assert np.abs(upscale(image, pooled_bundle, tiled) - upscale(image, pooled_bundle, whole)).max() < 0.01


@pytest.mark.slow
def test_other_commands_take_its_bundle(pooled_bundle: Bundle, run_cli: RunCli, tmp_path: Path) -> None:
    code, stdout, _ = run_cli("parity", pooled_bundle.root)
    assert code == 0 and "passes over all tiles" in stdout
    code, _, stderr = run_cli("bench", pooled_bundle.root, "--rounds", "1", "--seconds", "0.1", "--calls", "2")
    assert code == 0, stderr
    code, stdout, _ = run_cli("profile", pooled_bundle.root)
    assert code == 0


@pytest.mark.slow
def test_a_graph_with_given_means(pooled_bundle: Bundle, tmp_path: Path) -> None:
    """Without means it is the graph that it was made from; with means of the image tiles are parts of its picture."""
    session = ort.open(pooled_bundle.model_path(pooled_bundle.artifact(TILES)), RunSettings())
    image = np.ascontiguousarray(image_of((40, 56)).transpose(2, 0, 1))[None]
    ones, none = np.ones((1, 1, 40, 56), dtype=np.float32), np.full((1, 48), np.nan, dtype=np.float32)
    picture, sums = session.run_pooled(image, none, ones)
    assert np.array_equal(picture, session.run(image))
    half = ones.copy()
    half[..., 20:, :] = 0
    upper, lower = (session.run_pooled(image, none, mask)[1] for mask in (half, ones - half))
    assert np.abs(upper + lower - sums).max() < 1e-3 * np.abs(sums).max()
    tile = np.ascontiguousarray(image[..., 10:, 10:])
    cut = session.run_pooled(tile, (sums / (40 * 56)).astype(np.float32), np.ones((1, 1, 30, 46), dtype=np.float32))[0]
    assert np.abs(cut[..., 10:, 10:] - picture[..., 30:, 30:]).max() < 0.01
    assert np.abs(session.run(tile)[..., 10:, 10:] - picture[..., 30:, 30:]).max() > 0.02


def test_what_pools_nothing_is_left(foreign_bundle: Bundle) -> None:
    model = onnx.load(foreign_bundle.root / "onnx-fp32-tile.onnx")
    assert not pools_means(model)
    assert with_given_means(model, least_side=1) is None


@pytest.mark.parametrize(("stride", "means"), [(1, 2), (2, None)])
@pytest.mark.parametrize("operator", ["GlobalAveragePool", "ReduceMean"])
def test_features_of_another_size_are_not_pooled_over_tiles(operator: str, stride: int, means: int | None) -> None:
    pool = helper.make_node(operator, ["features", "axes"][: 1 if operator == "GlobalAveragePool" else 2], ["mean"])
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "weights"], ["features"], pads=[1, 1, 1, 1], strides=[stride, stride]),
            pool,
            helper.make_node("Mul", ["features", "mean"], ["y"]),
        ],
        "pools",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, "high", "wide"])],
        [
            numpy_helper.from_array(np.ones((2, 3, 3, 3), dtype=np.float32), "weights"),
            numpy_helper.from_array(np.array([-1, -2]), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    assert pools_means(model)
    found = with_given_means(model, least_side=1)
    assert (None if found is None else found[1]) == means


def test_a_file_that_pools_nothing_takes_no_means(foreign_bundle: Bundle) -> None:
    session = open_session(foreign_bundle, foreign_bundle.artifact("torchscript-fp32-tile"))
    image = np.ones((3, 9, 9), dtype=np.float32)
    with pytest.raises(EdgesrError, match="which its runtime cannot pass on"):
        session.infer_pooled(image, None, image[:1])
