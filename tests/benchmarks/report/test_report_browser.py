"""The report in Chromium: slider, selects, plots, themes, a phone's width; and that it asks the network for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.places import PHOTOGRAPHS
from tests.helpers.state.made_up import sustained_file

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PLOTS = ("tradeoff-plot", "latency-plot-1", "sustained-plot-1", "roofline-plot")


class Visit:
    """A page with what it said and asked for; every request but that of the file itself is refused."""

    def __init__(self, page: Page, report: Path) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self._refuse)
        page.goto(report.as_uri())

    def _refuse(self, route: Route) -> None:
        url = route.request.url
        page_itself = route.request.is_navigation_request() and url.startswith("file:")
        if page_itself or url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.requests.append(url)
            route.abort()

    def clip(self) -> str:
        """The part of the right picture that is hidden."""
        return str(self.page.eval_on_selector("#right-picture", "picture => picture.style.clipPath"))

    def source(self, side: str) -> str:
        """The picture of one side, as a data URI."""
        return str(self.page.eval_on_selector(f"#{side}-picture", "picture => picture.src"))

    def draw_all(self) -> None:
        """Scroll to every plot and wait until it is drawn."""
        for plot in PLOTS:
            self.page.locator(f"#{plot}").scroll_into_view_if_needed()
            self.page.wait_for_selector(f"#{plot} svg.main-svg")

    def has_no_sideways_scroll(self) -> bool:
        width, shown = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return bool(width <= shown)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(mobile_bundle: Bundle, report_files: ReportFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a bundle with two measured artifacts, all pictures and a photograph from a file; minutes of calls
    are made up.
    """
    folder = tmp_path_factory.mktemp("report")
    photograph = PHOTOGRAPHS / "astronaut.png"
    sustained_file(mobile_bundle, folder / "sustained.json")
    files = replace(report_files, sustained=folder / "sustained.json")
    build_report(mobile_bundle, files, images=[photograph]).write(folder / "report.html")
    return folder / "report.html"


@pytest.fixture
def visit(browser: Browser, report: Path) -> Iterator[Visit]:
    """A desktop's window in light colours; no error and no request, whatever a test does."""
    with browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light") as context:
        visit = Visit(context.new_page(), report)
        yield visit
        assert visit.errors == []
        assert visit.requests == []


def test_slider_moves_the_edge(visit: Visit) -> None:
    assert "50%" in visit.clip()
    visit.page.locator("#slider").fill("20")
    assert "20%" in visit.clip()
    visit.page.locator("#slider").focus()
    visit.page.keyboard.press("ArrowRight")
    assert "20.5%" in visit.clip()
    visit.page.keyboard.press("End")
    assert "100%" in visit.clip()
    visit.page.keyboard.press("Home")
    assert visit.clip() in ("inset(0px 0px 0px 0%)", "inset(0px)")


def test_pointer_moves_the_edge(visit: Visit) -> None:
    visit.page.locator("#stage").scroll_into_view_if_needed()
    box = visit.page.locator("#stage").bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    visit.page.mouse.up()
    assert float(visit.page.locator("#slider").input_value()) == pytest.approx(25, abs=1)


def test_selects_change_the_pictures(visit: Visit) -> None:
    page = visit.page
    assert page.locator("#left").input_value() == "bicubic"
    left, right = visit.source("left"), visit.source("right")
    assert left.startswith("data:image/webp")
    assert left != right
    page.locator("#left").select_option("bilinear")
    assert visit.source("left") not in (left, right)
    assert page.locator("#left-tag").inner_text() == "bilinear"
    page.locator("#right").select_option("bilinear")
    assert "same" in page.locator("#same").inner_text()
    before = visit.source("left")
    page.locator("#photograph").select_option(label="astronaut.png")
    assert visit.source("left") != before
    assert page.locator("#left").input_value() == "bilinear"
    page.wait_for_function("() => document.querySelector('#left-picture').naturalWidth > 0")


def test_zoom_keeps_the_edge_in_view(visit: Visit) -> None:
    page = visit.page
    width = page.locator("#left-picture").bounding_box()
    page.locator("#zoom").select_option("4")
    zoomed = page.locator("#left-picture").bounding_box()
    assert width is not None
    assert zoomed is not None
    assert zoomed["width"] == pytest.approx(4 * width["width"], rel=0.05)
    stage, edge = page.locator("#stage").bounding_box(), page.locator("#edge").bounding_box()
    assert stage is not None
    assert edge is not None
    assert edge["x"] == pytest.approx(stage["x"] + stage["width"] / 2, abs=12)


def test_plots_are_drawn_in_both_themes(visit: Visit) -> None:
    visit.draw_all()
    points = visit.page.locator("#tradeoff-plot .scatterlayer .points path").count()
    assert points >= 2
    assert visit.page.locator("#latency-plot-1 .boxlayer .trace").count() > 0
    colour = "getComputedStyle(document.querySelector('#tradeoff-plot .xtitle')).fill"
    light = visit.page.evaluate(colour)
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function(f"() => {colour} !== '{light}'")


def test_sustained_speed_is_chosen_by_artifact(visit: Visit) -> None:
    """Temperatures have a part of the plot of their own, where the device tells them."""
    visit.draw_all()
    page = visit.page
    assert page.locator("#sustained-plot-1 .cartesianlayer .subplot").count() == 2
    assert "throttled" in str(page.locator("#sustained-plot-1").get_attribute("aria-label"))
    page.locator("#sustained .choose-plot").select_option("sustained-plot-2")
    page.wait_for_selector("#sustained-plot-2 svg.main-svg")
    assert not page.locator("#sustained-plot-1").is_visible()
    assert page.locator("#sustained-plot-2 .cartesianlayer .subplot").count() == 1


def test_keyboard_reaches_the_controls(visit: Visit) -> None:
    """The first Tab offers the skip link, and every control and wide table takes the focus."""
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for selector in ("#photograph", "#left", "#right", "#zoom", "#stage", "#slider", ".scroll"):
        page.locator(selector).first.focus()
        assert page.evaluate("document.activeElement !== document.body")
    names = page.locator("input, select").evaluate_all("all => all.map(one => one.labels.length)")
    assert all(count == 1 for count in names)


def test_phone_width(browser: Browser, report: Path) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme="dark", has_touch=True, is_mobile=True
    ) as context:
        visit = Visit(context.new_page(), report)
        assert visit.has_no_sideways_scroll()
        visit.draw_all()
        assert visit.has_no_sideways_scroll()
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
        assert visit.errors == []
        assert visit.requests == []
