"""The upscaler in TypeScript gives what the Python one gives: pictures, tiles, colours of transparent pixels."""

from __future__ import annotations

import base64
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.glue.bicubic import upsample_bicubic
from edgesr.runtimes.glue.bilinear import upsample_bilinear
from edgesr.runtimes.glue.colour import colours, network_image, rgb_picture
from edgesr.runtimes.images.colour_bleeding import bleed_colours
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.tiles import grid_of, least_work_grid
from edgesr.runtimes.upscaling.upscale import upscale
from tests.benchmarks.web_app.conftest import Visits
from tests.benchmarks.web_app.visits import Visit
from tests.helpers.whole_runs import channels_first, exposed, projected

TOLERANCE = 0.01
SIZES = [(2, 2), (7, 5), (33, 47), (61, 53), (2, 300), (300, 3)]
UPSCALE = """async ([id, rgba, height, width, tileSize]) => {
    const { upscaleBands } = await import("/upscaler.js");
    const { openSession } = await import("/sessions.js");
    const siteUrl = new URL("/site.json", location.href);
    const site = await (await fetch(siteUrl)).json();
    const artifact = site.artifacts.find((one) => one.id === id);
    globalThis.opened ??= {};
    const session = (opened[id] ??= await openSession(siteUrl, site.network, artifact, { threads: 1 }));
    const data = Uint8Array.from(atob(rgba), (letter) => letter.charCodeAt(0));
    const s = site.network.scale;
    const values = new Float32Array(3 * height * width * s * s);
    let restarts = 0;
    const band = ({ top, height: rows, values: given }) => {
        for (let c = 0; c < 3; c++) {
            const part = given.subarray(c * rows * width * s, (c + 1) * rows * width * s);
            values.set(part, (c * height * s + top) * width * s);
        }
    };
    const sink = { band, restart: () => restarts++ };
    await upscaleBands({ width, height, data }, site.network, artifact, session, sink, tileSize ? { tileSize } : {});
    let text = "";
    const bytes = new Uint8Array(values.buffer);
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return [btoa(text), restarts];
}"""


def encoded(pixels: NDArray[np.uint8]) -> str:
    """RGB (h,w,3) as RGBA, base64."""
    opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
    return base64.b64encode(np.concatenate([pixels, opaque], axis=2).tobytes()).decode()


def in_browser(visit: Visit, artifact: str, pixels: NDArray[np.uint8], *, tile: tuple[int, int] | None) -> Any:
    """float32 (3,4h,4w) of the module, and how often it began anew."""
    height, width = pixels.shape[:2]
    text, restarts = visit.call(UPSCALE, artifact, encoded(pixels), height, width, tile)
    return np.frombuffer(base64.b64decode(text), dtype=np.float32).reshape(3, 4 * height, 4 * width), restarts


def by_python(bundle: Bundle, artifact: str, pixels: NDArray[np.uint8], tile: tuple[int, int]) -> NDArray[np.float32]:
    options = UpscaleOptions(artifact_id=artifact, tile_size=tile)
    return channels_first(upscale(pixels.astype(np.float32), bundle, options))


def test_sizes_of_the_python_tests(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    visit = visits(site)
    for size in SIZES:
        pixels = exposed("coffee", size)
        for tile in ((37, 32), (64, 64)):
            found, restarts = in_browser(visit, "onnx-fp32-tile", pixels, tile=tile)
            assert restarts == 0
            assert np.abs(found - by_python(mobile_bundle, "onnx-fp32-tile", pixels, tile)).max() <= TOLERANCE, size


def test_fixed_tiles_of_tflite(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    pixels = exposed("cat", (101, 67))
    found, _ = in_browser(visits(site), "tflite-fp32-tile-64x64", pixels, tile=None)
    expected = by_python(mobile_bundle, "tflite-fp32-tile-64x64", pixels, (64, 64))
    assert np.abs(found - expected).max() <= TOLERANCE
    assert np.abs(found - upsample_bilinear(channels_first(pixels), 4)).max() > 1


def test_projection_has_one_factor(projection_site: str, projection_bundle: Bundle, visits: Visits) -> None:
    """Noise level and norm of the residual are those of the whole image; an active projection begins anew."""
    visit = visits(projection_site)
    for size in ((33, 47), (2, 120), (43, 19)):
        pixels = projected(projection_bundle, size)
        found, restarts = in_browser(visit, "onnx-fp32-tile", pixels, tile=(20, 19))
        assert restarts == 1
        assert np.abs(found - by_python(projection_bundle, "onnx-fp32-tile", pixels, (20, 19))).max() <= TOLERANCE


def test_flat_image_has_no_residual(projection_site: str, visits: Visits) -> None:
    pixels = np.full((23, 31, 3), 77, dtype=np.uint8)
    found, restarts = in_browser(visits(projection_site), "onnx-fp32-tile", pixels, tile=(20, 19))
    assert restarts == 0 and (found == 77).all()


@pytest.mark.parametrize("step", [1, 4])
def test_tiles_are_those_of_python(step: int, site: str, visits: Visits) -> None:
    sizes = [(1, 1), (2, 300), (33, 47), (200, 120), (945, 1445)]
    cases = [(size, 3 * step, most) for size in sizes for most in (700 * step**2, 65536)]
    found = visits(site).call(
        """async ([cases, step]) => {
            const { gridOf, leastWorkGrid } = await import("/upscaler.js");
            const values = (spans) => spans.map((span) => Object.values(span));
            const plain = (grid) => grid && [grid.rows, grid.columns].map(values);
            return cases.map(([size, halo, most]) => [
                plain(leastWorkGrid(size, halo, most, step)), plain(leastWorkGrid(size, halo, most, step, [64, 48])),
                plain(gridOf(size, [24 * step, 28 * step], halo, step)),
            ]);
        }""",
        cases,
        step,
    )
    for (size, halo, most), grids in zip(cases, found, strict=True):
        expected = [
            least_work_grid(size, halo, most, step=step),
            least_work_grid(size, halo, most, step=step, largest=(64, 48)),
            grid_of(size, (24 * step, 28 * step), halo, step=step),
        ]
        for grid, wanted in zip(grids, expected, strict=True):
            assert wanted is not None
            assert grid == [[list(astuple(span)) for span in axis] for axis in (wanted.rows, wanted.columns)], size


@pytest.mark.parametrize("colour", ["luma", "grey"])
def test_networks_of_one_channel(colour: Any, site: str, visits: Visits) -> None:
    """A network that repeats half of each value: its picture is known, and the colours come from the photograph."""
    pixels = exposed("cat", (19, 26))
    rgb = channels_first(pixels).astype(np.float32)
    text = visits(site).call(
        """async ([colour, rgba]) => {
            const { upscaleBands } = await import("/upscaler.js");
            const network = { scale: 4, colour, minimum_side: 8, multiple: 8, tile_size: [16, 16],
                glue: { upsample: "none", noise_level: null, alpha: null },
                tiling: { exact: true, step: 8, passes: 1 } };
            const artifact = { id: "repeat", graph: "tile", tile_size: null, bounds: null, halo: 0, memory: null };
            const run = async (input, height, width) => Float32Array.from({ length: 16 * input.length },
                (_, i) => input[Math.floor(i / (16 * width)) * width + Math.floor((i % (4 * width)) / 4)] / 2);
            const data = Uint8Array.from(atob(rgba), (letter) => letter.charCodeAt(0));
            const bands = [];
            const sink = { band: (one) => { bands.push([one.top, one.height, [...one.values]]); }, restart: () => 0 };
            await upscaleBands({ width: 26, height: 19, data }, network, artifact, { run }, sink);
            return bands;
        }""",
        colour,
        encoded(pixels),
    )
    found = np.zeros((3, 76, 104), dtype=np.float32)
    for top, height, values in text:
        found[:, top : top + height] = np.array(values, dtype=np.float32).reshape(3, height, 104)
    picture = (network_image(rgb, colour) / np.float32(2)).repeat(4, axis=1).repeat(4, axis=2)
    added = upsample_bicubic(colours(rgb), 4, slice(0, 19), slice(0, 26))
    assert len(text) > 1
    assert np.abs(found - rgb_picture(picture, colour, added)).max() <= TOLERANCE


def test_colours_bleed_into_transparent_pixels(site: str, visits: Visits) -> None:
    pixels = exposed("cat", (37, 29))
    alpha = np.zeros((37, 29), dtype=np.uint8)
    alpha[5:20, 3:21], alpha[24:, 20:] = 255, 9
    found = visits(site).call(
        """async ([rgba]) => {
            const { bleedColours } = await import("/upscaler.js");
            const data = Uint8Array.from(atob(rgba), (letter) => letter.charCodeAt(0));
            return [...bleedColours({ width: 29, height: 37, data }).data];
        }""",
        base64.b64encode(np.concatenate([pixels, alpha[:, :, None]], axis=2).tobytes()).decode(),
    )
    expected = bleed_colours(Picture(pixels=pixels, alpha=alpha)).pixels
    given = np.array(found, dtype=np.int64).reshape(37, 29, 4)
    assert (given[:, :, 3] == alpha).all()
    assert np.abs(given[:, :, :3] - expected).max() <= 1
    assert np.abs(expected.astype(np.int64) - pixels).max() > 50
