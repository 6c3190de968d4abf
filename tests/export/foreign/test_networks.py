"""Findings about users' networks: scale, sides, tiles; and the values that their programs compute."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from edgesr.export.calibration.photographs import photograph
from edgesr.export.conversions.full_and_tile import build_graph
from edgesr.export.tiling.tile_proof import measure_tiling
from edgesr.export.tiling.tiled_network import tiled_network
from edgesr.runtimes.arrays import Image
from edgesr.runtimes.bundle.contract import EXACT, Tiling
from edgesr.sr_model.generators.foreign.archive import read_contract
from edgesr.sr_model.generators.foreign.contract import Contract
from edgesr.sr_model.generators.foreign.probe import probe
from edgesr.sr_model.generators.foreign.program import ForeignGenerator, load_program
from edgesr.sr_model.generators.foreign.units import InOurUnits
from tests.export.foreign.conftest import NETWORKS, Archived

EXACT_IN_TILES = [  # function, scale, LR pixels that its convolutions reach
    ("convolutional.srvgg", 4, 6),
    ("convolutional.leaky_x1", 1, 4),
    ("convolutional.relu6_x2", 2, 4),
    ("convolutional.silu_x3", 3, 4),
    ("convolutional.hardswish_x8", 8, 3),
    ("convolutional.gelu", 2, 4),
    ("convolutional.reflect_padding", 2, 4),
    ("convolutional.batch_norm", 2, 2),
    ("convolutional.dropout", 2, 2),
    ("convolutional.depthwise", 2, 4),
    ("convolutional.bilinear_base", 2, 2),
    ("convolutional.bicubic_base", 2, 2),
    ("convolutional.mean_shift", 2, 4),
    ("convolutional.transposed_convolution", 3, 3),
    ("attention.norm_and_linear", 2, 2),
    ("unusual.plain_tensor", 2, 2),
    ("unusual.writes_its_weights", 2, 1),
]
EXACT_AT_MULTIPLES = [  # function, scale, multiple, halo
    ("attention.window_attention", 2, 8, 16),
    ("unusual.pixel_unshuffle", 2, 2, 4),
    ("unusual.u_net", 1, 4, 4),
]
NOT_EXACT = [  # function, scale
    ("attention.squeeze_and_excite", 2),
    ("attention.spatial_attention", 2),
    ("unusual.spectrum", 1),
]


def network_of(name: str) -> torch.nn.Module:
    file, function = name.split(".")
    network: torch.nn.Module = getattr(importlib.import_module(f"tests.helpers.foreign.{file}"), function)()
    return network.eval()


def contract_and_picture(name: str) -> tuple[Contract, InOurUnits]:
    network = network_of(name)
    lr = torch.from_numpy(photograph("cat", (64, 80)))[None]
    contract, doubts = probe(network, name, lr, peak=None, multiple=None)
    assert doubts == []
    return contract, InOurUnits(network, contract).eval()


def picture_of(module: torch.nn.Module, image: Image) -> Image:
    with torch.inference_mode():
        result: Image = module(torch.from_numpy(image)[None])[0].numpy()
    return result


def tiling_of(name: str, *, sparse: bool = False) -> tuple[Contract, Tiling]:
    contract, picture = contract_and_picture(name)
    generator = ForeignGenerator(picture, contract)
    return contract, measure_tiling(tiled_network(generator, mac_per_hr_pixel=1e9 if sparse else 1e3))


@pytest.mark.parametrize(("name", "scale", "reach"), EXACT_IN_TILES)
def test_halo_of_convolutions_is_their_reach_or_a_little_less(name: str, scale: int, reach: int) -> None:
    contract, tiling = tiling_of(name)
    assert (contract.scale, contract.multiple, contract.peak) == (scale, 1, 1)
    assert (tiling.step, tiling.field) == (1, reach)
    assert tiling.exact and tiling.error is not None and 0 < tiling.error <= EXACT
    assert tiling.halo is not None and 0.6 * reach <= tiling.halo <= reach
    assert (tiling.verdict == "proven") == (tiling.halo == reach)


@pytest.mark.parametrize(("name", "scale", "multiple", "halo"), EXACT_AT_MULTIPLES)
def test_tiles_of_strides_and_windows_are_exact_at_multiples(name: str, scale: int, multiple: int, halo: int) -> None:
    contract, tiling = tiling_of(name)
    assert (contract.scale, contract.multiple) == (scale, multiple)
    assert (tiling.exact, tiling.step, tiling.halo) == (True, multiple, halo)
    assert tiling.error is not None and tiling.error <= EXACT


@pytest.mark.parametrize(("name", "scale"), NOT_EXACT)
def test_tiles_that_are_not_exact_are_found(name: str, scale: int) -> None:
    contract, tiling = tiling_of(name)
    assert (contract.scale, contract.multiple) == (scale, 1)
    assert (tiling.verdict, tiling.halo, tiling.field) == ("inexact", None, None)
    assert tiling.error is not None and tiling.error > 3 * EXACT
    assert tiling.psnr_db is not None and 20 < tiling.psnr_db < 90


def test_a_slow_network_has_the_same_halo_from_fewer_tiles() -> None:
    assert tiling_of("convolutional.srvgg", sparse=True)[1].halo == tiling_of("convolutional.srvgg")[1].halo


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 3), (5, 7), (8, 8), (9, 15)])
def test_small_images_are_padded_for_windows(size: tuple[int, int]) -> None:
    """From the contract's least side on, an image is reflected up to the next multiple, and its picture is cut."""
    contract, picture = contract_and_picture("attention.window_attention")
    assert (contract.network_side, contract.minimum_side) == (8, 5)
    height, width = (max(side, contract.minimum_side) for side in size)
    image = photograph("coffee", (height, width))
    padded = np.pad(image, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="reflect")
    expected = picture_of(picture.network, padded / np.float32(255))[:, : 2 * height, : 2 * width] * 255
    assert np.abs(picture_of(picture, image) - expected).max() < 1e-3


def check_program(archived: Archived, name: str, *, traced: bool) -> None:
    file, function = name.split(".")
    archive = archived(NETWORKS / f"{file}.py", function)
    assert archive.suffix == ".edgesr-program", archive.read_text()
    contract = read_contract(archive)
    picture = InOurUnits(network_of(name), contract).eval()
    for found in (load_program(archive), *((load_program(archive, traced=True),) if traced else ())):
        for size in ((9, 8), (48, 64), (71, 33)):
            least = contract.minimum_side
            image = photograph("rocket", (max(size[0], least), max(size[1], least)))
            assert np.abs(picture_of(found.picture, image) - picture_of(picture, image)).max() < EXACT


def test_program_and_trace_compute_the_network_at_sizes_that_were_not_traced(archived: Archived) -> None:
    check_program(archived, "unusual.u_net", traced=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, *_ in (*EXACT_IN_TILES, *EXACT_AT_MULTIPLES[:2], *NOT_EXACT)])
def test_programs_of_all_networks(name: str, archived: Archived) -> None:
    check_program(archived, name, traced=False)


@pytest.mark.parametrize(
    ("name", "guard"),
    [("attention.adaptive_max_pool", "(Guard failed: lr.size()[2] // 8 == 5)"), ("unusual.branch_on_height", "")],
)
def test_networks_that_are_others_at_other_sizes_are_refused(name: str, guard: str, archived: Archived) -> None:
    """With what the exporter took for granted, where it tells."""
    file, function = name.split(".")
    error: Path = archived(NETWORKS / f"{file}.py", function)
    assert error.name == "error.txt"
    assert "traced at 41x58" in error.read_text()
    assert "a size was baked in" in error.read_text()
    assert guard in error.read_text()


def test_a_network_that_is_another_one_at_odd_sizes_is_padded(archived: Archived) -> None:
    archive: Path = archived(NETWORKS / "unusual.py", "branch_on_size")
    assert read_contract(archive).multiple == 2
    notes = archive.with_name("notes.json").read_text()
    assert "another function at sizes that are no multiples of 2, which are padded by reflection" in notes
    check_program(archived, "unusual.branch_on_size", traced=True)


def test_a_stated_multiple_is_not_changed(archived: Archived) -> None:
    error: Path = archived(NETWORKS / "unusual.py", "branch_on_size", multiple=1)
    assert error.name == "error.txt"


def test_graphs_of_a_program_are_made_without_warnings(archived: Archived) -> None:
    generator = load_program(archived(NETWORKS / "convolutional.py", "srvgg"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        build_graph(generator, "tile")
    assert told == []


def test_the_least_side_is_one_that_the_program_takes(archived: Archived) -> None:
    """An ESA block takes 15 pixels, of which its pool makes one; its program is of pools with two and more."""
    archive = archived(NETWORKS / "attention.py", "linear_spatial_attention")
    side = read_contract(archive).minimum_side
    contract, picture = contract_and_picture("attention.linear_spatial_attention")
    assert (contract.minimum_side, side) == (15, 21)
    image = photograph("rocket", (side, side))
    assert np.abs(picture_of(load_program(archive).picture, image) - picture_of(picture, image)).max() < EXACT
