"""The runtimes that browsers have, and what of a bundle they run: found with `edgesr parity --device browser`."""

from __future__ import annotations

from dataclasses import dataclass

from edgesr.runtimes.bundle.manifest import Artifact, Precision


@dataclass(frozen=True, kw_only=True)
class WebRuntime:
    """``name`` is the web app's, ``runtime`` that of which it is a build, ``package`` that of npm.

    ``resizes``: it sets other sizes than a file's own. ``precisions`` passed parity in Chromium, tile and full graphs.
    ``folder`` of the built app has its files; of those, a page first loads ``first_load``.
    """

    name: str
    runtime: str
    package: str
    title: str
    resizes: bool
    precisions: tuple[Precision, ...]
    folder: str
    first_load: tuple[str, ...]


WEB_RUNTIMES = (
    WebRuntime(
        name="onnxruntime-web",
        runtime="ort",
        package="onnxruntime-web",
        title="ONNX Runtime Web",
        resizes=True,
        precisions=("fp32", "fp16", "fp16a", "int8", "w8a16"),
        folder="runtimes/ort",
        first_load=("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    ),
    WebRuntime(
        name="litert",
        runtime="tflite",
        package="@litertjs/core",
        title="LiteRT.js",
        resizes=False,
        precisions=("fp32", "fp16", "int8", "w8", "w8d", "w8a16"),
        folder="runtimes/litert",
        first_load=("litert.js", "litert_wasm_threaded_internal.js", "litert_wasm_threaded_internal.wasm"),
    ),
)

FASTEST_FIRST: tuple[tuple[str, Precision], ...] = (
    ("litert", "int8"),
    ("onnxruntime-web", "int8"),
    ("litert", "fp32"),
    ("litert", "fp16"),
    ("onnxruntime-web", "fp32"),
    ("onnxruntime-web", "fp16"),
)
"""Runtime and precision as measured by `edgesr bench --device browser` with srrescycgan-mobile (docs/browser.md)."""


def web_runtime(artifact: Artifact) -> WebRuntime | None:
    """The runtime that opens an artifact in a browser; None if there is none."""
    return next((one for one in WEB_RUNTIMES if one.runtime in artifact.runtimes), None)


def why_not_in_browsers(artifact: Artifact) -> str | None:
    """The reason why a page does not offer an artifact; None if it does."""
    found = web_runtime(artifact)
    if found is None:
        return f"no runtime of browsers opens {artifact.format} files"
    if artifact.precision not in found.precisions:
        return f"{artifact.precision} was not found to be right in {found.title}"
    if artifact.inside_only:
        return "it is right inside a picture alone, and pages run one file"
    return "it takes means of the whole picture, which pages do not compute" if artifact.pooled else None
