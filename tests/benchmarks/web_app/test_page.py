"""The page in Chromium: a photograph comes in by file, drop or paste, and is upscaled as Python does it, and saved."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.images.colour_bleeding import bleed_colours
from edgesr.runtimes.images.picture import Picture
from edgesr.runtimes.images.rounding import luma, upsampled_rows
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from tests.benchmarks.web_app.conftest import Visits
from tests.benchmarks.web_app.visits import png
from tests.helpers.whole_runs import exposed

ONNX, TFLITE = "onnx-fp32-tile", "tflite-fp32-tile-64x64"


def by_python(bundle: Bundle, pixels: NDArray[np.uint8], artifact: str = ONNX) -> NDArray[np.uint8]:
    result = upscale(pixels, bundle, UpscaleOptions(artifact_id=artifact))
    assert result.dtype == np.uint8
    return result


def difference(picture: Image.Image, expected: NDArray[np.uint8]) -> int:
    found = np.asarray(picture).astype(np.int64)
    assert found.shape == expected.shape
    return int(np.abs(found - expected).max())


def test_dropped_photograph_is_saved_as_python_upscales_it(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    """With the default artifact, whose runtime is the only one that is loaded."""
    visit = visits(site)
    visit.wait_until_opened()
    pixels = exposed("cat", (97, 131))
    visit.drop(png(pixels), "my.cat.png")
    visit.page.wait_for_selector("#result")
    saved = visit.saved()
    assert (saved.mode, saved.info["name"]) == ("RGB", "my.cat_x4.png")
    assert difference(saved, by_python(mobile_bundle, pixels, TFLITE)) <= 1
    assert "131 × 97 → 524 × 388 pixels" in visit.text("facts") and "LiteRT.js" in visit.text("facts")
    assert difference(visit.saved("save-webp").convert("RGB"), by_python(mobile_bundle, pixels, TFLITE)) < 64
    loaded = {url.split("/runtimes/")[1].split("/")[0] for url in visit.requested if "/runtimes/" in url}
    assert loaded == {"litert"}


def test_alpha_grey_and_orientation(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    pixels = exposed("coffee", (41, 53))
    alpha = np.full((41, 53), 255, dtype=np.uint8)
    alpha[:9], alpha[9:12] = 0, 128
    opaque = alpha == 255
    seen = np.where(opaque[:, :, None], pixels, 0).astype(np.uint8)
    visit.give(png(np.dstack([seen, alpha])))
    visit.page.wait_for_selector("#result")
    saved = np.asarray(visit.saved())
    assert (saved[:, :, 3] == np.rint(upsampled_rows(alpha, 4, 0, 41))).all()
    bled = bleed_colours(
        Picture(pixels=np.where(opaque[:, :, None], pixels, 0).astype(np.uint8), alpha=alpha)
    ).pixels.astype(np.uint8)
    below = slice(4 * 30, None)  # far from what the browser's canvas lost
    assert np.abs(saved[below, :, :3].astype(int) - by_python(mobile_bundle, bled)[below]).max() <= 1

    grey = np.ascontiguousarray(pixels[:, :, 1])
    visit.give(png(grey))
    visit.page.wait_for_selector("#result")
    grey_result = by_python(mobile_bundle, np.repeat(grey[:, :, None], 3, axis=2))
    expected = luma(grey_result.transpose(2, 0, 1)).astype(np.uint8)
    saved_grey = visit.saved()
    assert saved_grey.mode == "L" and difference(saved_grey, expected) <= 1

    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    visit.give(png(pixels, exif=exif.tobytes()))
    visit.page.wait_for_selector("#result")
    turned = np.ascontiguousarray(np.rot90(pixels, -1))
    assert difference(visit.saved(), by_python(mobile_bundle, turned)) <= 1


def test_slider_and_zoom(site: str, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    visit.give(png(exposed("cat", (40, 60))))
    visit.page.wait_for_selector("#result")
    page = visit.page

    def style(element: str, name: str) -> str:
        return str(page.eval_on_selector(f"#{element}", "(one, name) => one.style[name]", name))

    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert style("after-clip", "clipPath") == "inset(0px 0px 0px 51%)"
    box = page.locator("#divider").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 200, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert float(page.input_value("#split")) < 40
    fitted = style("after", "transform")
    page.click("#zoom-full")
    assert visit.text("zoom-value") == "100%"
    page.focus("#viewer")
    page.keyboard.press("+")
    assert visit.text("zoom-value") == "150%"
    assert style("before", "transform") == style("after", "transform") != fitted
    page.keyboard.press("0")
    assert style("after", "transform") == fitted


def test_cancelled_and_broken_pictures(site: str, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    visit.give(png(exposed("cat", (300, 400))))
    visit.page.click("#cancel")
    visit.wait()
    assert not visit.page.is_visible("#result") and not visit.page.is_visible("#problem")
    visit.give(b"no picture at all", "broken.jpg")
    visit.page.wait_for_selector("#problem")
    assert "no picture that your browser can read" in visit.text("problem")
    visit.give(png(exposed("cat", (20, 20))))
    visit.page.wait_for_selector("#result")
    assert not visit.page.is_visible("#problem")


def test_small_picture_in_fixed_tiles_takes_another_artifact(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(TFLITE)
    pixels = exposed("cat", (30, 70))
    visit.give(png(pixels))
    visit.page.wait_for_selector("#result")
    assert "smaller than the tiles" in visit.text("remark") and ONNX in visit.text("remark")
    assert difference(visit.saved(), by_python(mobile_bundle, pixels)) <= 1


def test_measured_speed_is_kept(site: str, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    visit.page.click("#measure")
    visit.page.wait_for_selector("#remark")
    assert f"{ONNX} makes" in visit.text("remark")
    visit.page.reload()
    assert "MP/s here" in visit.page.locator(f"#artifact option[value={ONNX}]").inner_text()


def test_a_browser_that_keeps_nothing_upscales_all_the_same(site: str, visits: Visits) -> None:
    visit = visits(site)
    denied = (
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    visit.context.add_init_script(denied)
    visit.page.reload()
    visit.choose(ONNX)
    visit.give(png(exposed("cat", (20, 20))))
    visit.page.wait_for_selector("#result")
    assert not visit.page.is_visible("#problem")


def test_of_several_files_the_first_is_taken_and_the_page_says_so(site: str, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    content = png(exposed("cat", (20, 20)))
    visit.drop(content, "one.png", "two.png")
    visit.page.wait_for_selector("#result")
    assert visit.text("remark") == "The page takes one photograph at a time: one.png of 2 files."


def test_too_long_for_webp(site: str, visits: Visits) -> None:
    visit = visits(site)
    visit.choose(ONNX)
    visit.give(png(np.zeros((2, 4096, 3), dtype=np.uint8)))
    visit.page.wait_for_selector("#result")
    visit.page.click("#save-webp")
    assert "at most 16383 pixels a side" in visit.text("problem")
    assert visit.saved().size == (16384, 8)


def test_offline_and_threads_on_a_host_without_headers(plain_site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    """The first load has one thread and says so; from the second on the service worker gives the headers."""
    visit = visits(plain_site)
    visit.wait_until_opened()
    assert "one processor thread" in visit.text("threads")
    visit.context.set_offline(True)
    visit.page.reload()
    visit.wait_until_opened()
    assert visit.page.evaluate("crossOriginIsolated")
    pixels = exposed("coffee", (33, 47))
    visit.give(png(pixels))
    visit.page.wait_for_selector("#result")
    assert difference(visit.saved(), by_python(mobile_bundle, pixels)) <= 1


def test_phone_has_no_sideways_scrolling(site: str, visits: Visits) -> None:
    visit = visits(site, width=390)
    visit.choose(ONNX)
    visit.give(png(exposed("cat", (60, 40))))
    visit.page.wait_for_selector("#result")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    unlabelled = "[...document.querySelectorAll('button, input, select')].filter((one) => one.checkVisibility()"
    assert visit.page.evaluate(f"{unlabelled} && !one.labels?.length && !one.textContent.trim()).length") == 0


@pytest.mark.slow
def test_photograph_of_22_megapixels(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    rng = np.random.default_rng(0)
    base = exposed("coffee", (378, 578))
    image = Image.fromarray(base).resize((1445, 945), Image.Resampling.BICUBIC)
    noisy = np.asarray(image).astype(np.int64) + rng.integers(-9, 10, (945, 1445, 3))
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    visit = visits(site)
    visit.choose(ONNX)
    visit.give(png(pixels))
    visit.page.wait_for_selector("#result")
    assert difference(visit.saved(), by_python(mobile_bundle, pixels)) <= 1


def test_pasted_jpeg(site: str, mobile_bundle: Bundle, visits: Visits) -> None:
    """Compared on the pixels that the browser decoded."""
    written = io.BytesIO()
    Image.fromarray(exposed("cat", (48, 56))).save(written, "JPEG", quality=90)
    visit = visits(site)
    visit.choose(ONNX)
    decoded = visit.call(
        """async ([bytes]) => {
            const file = new File([new Uint8Array(bytes)], "pasted.jpg", { type: "image/jpeg" });
            const bitmap = await createImageBitmap(file);
            const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
            context.drawImage(bitmap, 0, 0);
            const given = new DataTransfer();
            given.items.add(file);
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: given }));
            return [...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
        }""",
        list(written.getvalue()),
    )
    visit.page.wait_for_selector("#result")
    pixels = np.array(decoded, dtype=np.uint8).reshape(48, 56, 4)[:, :, :3]
    assert difference(visit.saved(), by_python(mobile_bundle, np.ascontiguousarray(pixels))) <= 1
