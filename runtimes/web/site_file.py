"""site.json, the only data of a page; the web app's src/site.ts says what it means."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from edgesr.runtimes.bundle.contract import Colour
from edgesr.runtimes.bundle.manifest import Artifact, Glue, GraphKind, Layout, Manifest, Precision, RunMemory, Size
from edgesr.runtimes.bundle.size_bounds import SizeBounds
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.web.web_runtimes import FASTEST_FIRST, WebRuntime, web_runtime, why_not_in_browsers

SITE_FILE = "site.json"
KIND = "edgesr-site"
VERSION = 1
MODELS = "models"


@dataclass(frozen=True, kw_only=True)
class SiteTiling:
    exact: bool
    step: int
    passes: int
    text: str


@dataclass(frozen=True, kw_only=True)
class SiteNetwork:
    name: str
    parameters: int
    scale: int
    colour: Colour
    minimum_side: int
    multiple: int
    glue: Glue
    tiling: SiteTiling | None
    tile_size: Size


@dataclass(frozen=True, kw_only=True)
class SiteArtifact:
    id: str
    runtime: str
    format: str
    precision: Precision
    graph: GraphKind
    file: str
    sha256: str
    bytes: int
    layout: Layout
    tile_size: Size | None
    bounds: SizeBounds | None
    halo: int | None
    mac_per_hr_pixel: float
    memory: RunMemory | None


@dataclass(frozen=True, kw_only=True)
class Site:
    kind: str
    version: int
    edgesr_version: str
    network: SiteNetwork
    artifacts: tuple[SiteArtifact, ...]
    default: str


def site_of(manifest: Manifest, *, artifact: str | None) -> Site:
    """The offer of a page for a bundle, or for ``artifact`` alone; raises InputError if it can offer nothing."""
    chosen = [one for one in manifest.artifacts if artifact in (None, one.id)]
    offered = tuple(_site_artifact(one, found) for one in chosen for found in [_opened_by(one)] if found is not None)
    if not offered:
        reasons = "; ".join(f"{one.id}: {why_not_in_browsers(one)}" for one in chosen)
        raise InputError(f"no artifact of it runs in browsers ({reasons}): export the targets onnx or tflite")
    return Site(
        kind=KIND,
        version=VERSION,
        edgesr_version=metadata.version("edgesr"),
        network=_network(manifest),
        artifacts=offered,
        default=min(offered, key=_order).id,
    )


def left_out(manifest: Manifest) -> dict[str, str]:
    """Ids of the artifacts that a page does not offer, and why."""
    return {one.id: why for one in manifest.artifacts if (why := why_not_in_browsers(one)) is not None}


def _opened_by(artifact: Artifact) -> WebRuntime | None:
    return web_runtime(artifact) if why_not_in_browsers(artifact) is None else None


def _order(artifact: SiteArtifact) -> tuple[bool, int]:
    """Tile graphs, which take pictures of any size, before full ones; then the fastest."""
    pair = (artifact.runtime, artifact.precision)
    return artifact.graph != "tile", FASTEST_FIRST.index(pair) if pair in FASTEST_FIRST else len(FASTEST_FIRST)


def _network(manifest: Manifest) -> SiteNetwork:
    tiling = manifest.tiling
    return SiteNetwork(
        name=str(manifest.generator.get("name")),
        parameters=manifest.checkpoint.parameters,
        scale=manifest.scale,
        colour=manifest.colour,
        minimum_side=manifest.minimum_side,
        multiple=manifest.multiple,
        glue=manifest.glue,
        tiling=None
        if tiling is None
        else SiteTiling(exact=tiling.exact, step=tiling.step, passes=tiling.passes, text=tiling.text),
        tile_size=manifest.tile_size,
    )


def _site_artifact(artifact: Artifact, found: WebRuntime) -> SiteArtifact:
    suffix = artifact.file.path.rpartition(".")[2]
    return SiteArtifact(
        id=artifact.id,
        runtime=found.name,
        format=artifact.format,
        precision=artifact.precision,
        graph=artifact.graph,
        file=f"{MODELS}/{artifact.id}.{suffix}",
        sha256=artifact.file.sha256,
        bytes=artifact.file.size_bytes,
        layout=artifact.inputs[0].layout,
        tile_size=artifact.tile_size,
        bounds=artifact.bounds,
        halo=artifact.halo,
        mac_per_hr_pixel=artifact.mac_per_hr_pixel,
        memory=artifact.use(found.runtime).memory,
    )
