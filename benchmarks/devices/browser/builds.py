"""The runtimes of a browser: builds of ONNX Runtime and LiteRT for WebAssembly and WebGPU, run by a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgesr.benchmarks.devices.browser.channel import PageError
from edgesr.benchmarks.devices.browser.page import Page, open_in_page
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.interface.operator_profile import OperatorProfile
from edgesr.runtimes.interface.runtime import RunSettings, Runtime, profile_of_calls
from edgesr.runtimes.web.web_runtimes import WEB_RUNTIMES, WebRuntime


def runtimes_in(page: Page, packages: Mapping[str, str]) -> tuple[Runtime, ...]:
    """Both, run by a page; ``packages`` are the versions of the app's."""
    return tuple(_runtime(build, page, packages) for build in WEB_RUNTIMES)


def _runtime(build: WebRuntime, page: Page, packages: Mapping[str, str]) -> Runtime:
    return replace(
        RUNTIMES[build.runtime],
        title=f"{build.title} in Chromium",
        distribution=build.package,
        load=lambda: None,
        open=partial(open_in_page, page, build.name),
        profile=partial(_profile, page, build.name),
        failures=lambda: (PageError,),
        refusals=None,
        execution=None,
        providers=None,
        known_providers=(),
        exact_arithmetic=False,
        saturates_without_vnni=False,
        resizes=build.resizes,
        find_version=packages.get,
    )


def _profile(
    page: Page, in_app: str, path: Path, batch: FloatArray, settings: RunSettings, *, calls: int
) -> OperatorProfile:
    session = open_in_page(page, in_app, path, settings)
    return profile_of_calls(session, batch, calls=calls, why_no_times="runtimes in browsers time no operators")
