"""The engines that compute in a browser: WebAssembly on the CPU, or WebGPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Features = Mapping[str, Any]
"""What a page found: ``simd`` and ``threads`` of WebAssembly, ``webgpu``: an adapter's name, None without one."""


def _why_no_wasm(features: Features) -> str | None:
    if not features["simd"]:
        return "this Chromium has no SIMD in WebAssembly: install a newer one"
    return None if features["threads"] else "this Chromium has no threads in WebAssembly: install a newer one"


def _why_no_webgpu(features: Features) -> str | None:
    return _why_no_wasm(features) or (
        None if features["webgpu"] else "this Chromium finds no adapter for WebGPU: install a driver for Vulkan"
    )


@dataclass(frozen=True, kw_only=True)
class Engine:
    """``name`` is the device's. ``backend`` is what the app calls it, ``options`` are what Chromium needs for it.

    ``untimed``: why its time is not measured, None where it is.
    """

    name: str
    title: str
    backend: str
    why_missing: Callable[[Features], str | None]
    options: tuple[str, ...] = ()
    untimed: str | None = None


WASM = Engine(
    name="browser",
    title="headless Chromium on this machine: WebAssembly with SIMD and threads",
    backend="wasm",
    why_missing=_why_no_wasm,
)
SOFTWARE_WEBGPU = Engine(
    name="browser:webgpu-software",
    title="the same, WebGPU computed by the CPU (SwiftShader): parity alone",
    backend="webgpu",
    why_missing=_why_no_webgpu,
    options=("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"),
    untimed="a GPU that the CPU computes says nothing about the time of real ones",
)
WEBGPU = Engine(
    name="browser:webgpu",
    title="the same, WebGPU of this machine's GPU",
    backend="webgpu",
    why_missing=_why_no_webgpu,
    options=("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist"),
)
ENGINES = {engine.name: engine for engine in (WASM, WEBGPU, SOFTWARE_WEBGPU)}
