"""The content of a checkpoint, a model file or a bundle: parameters, cost, inputs, outputs, operators."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

from edgesr.benchmarks.tables.profiles import delegate_table
from edgesr.benchmarks.tables.quantization import quantization_tables
from edgesr.benchmarks.tables.refusals import refusal_table
from edgesr.benchmarks.tables.table import Table, counts_text, shape_text
from edgesr.export.formats.targets import TARGETS
from edgesr.export.inspection.model_file import MODEL_FILES, describe_model
from edgesr.export.inspection.refusals import bundle_refusals
from edgesr.runtimes.adapters.registry import RUNTIMES
from edgesr.runtimes.bundle.contract import COLOUR_TEXTS, REFERENCES
from edgesr.runtimes.bundle.manifest import Artifact, Glue, Manifest
from edgesr.runtimes.bundle.opening import is_bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.packages import installed_version, require_packages
from edgesr.runtimes.progress import Progress, silent
from edgesr.sr_model.generators.checkpoint import read_header
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.recognised import UnknownNetworkError, require_spandrel
from edgesr.sr_model.generators.weights_file import is_safetensors, require_file

_COLUMNS = ("what", "value")


def inspect(path: Path, *, cache_dir: Path | None = None, progress: Progress = silent) -> list[Table]:
    """Tables that describe a path, whichever kind it is; raises an InputError when it is none that edgesr knows.

    A checkpoint whose architecture spandrel recognises is run in a process of its own, and the result is cached.
    """
    if path.is_dir():
        if not is_bundle(path):
            raise InputError(f"{path}: a directory, but no bundle: it has no manifest.json")
        opened = open_bundle(path)
        return _bundle_tables(opened.manifest, bundle_refusals(opened))
    require_file(path)
    if path.suffix in MODEL_FILES:
        described = describe_model(path)
        refused = refusal_table([(path.name, described.delegates)], first="file")
        return [_facts(path, described.facts), *_if_any(refused)]
    others = {target.suffix: target.title for target in TARGETS.values()}
    if path.suffix in others:
        raise InputError(f"{path}: {others[path.suffix]} files cannot be inspected; inspect the bundle that holds it")
    try:
        return [_safetensors_table(path) if is_safetensors(path) else _published_table(path)]
    except UnknownNetworkError as error:
        require_spandrel(error)
    return _recognised_tables(path, cache_dir, progress)


def _recognised_tables(path: Path, cache_dir: Path | None, progress: Progress) -> list[Table]:
    require_packages("inspecting a network", ("torch", "safetensors", "platformdirs"), extra="export")
    from edgesr.export.foreign.inspection import inspect_module
    from edgesr.export.options import ExportOptions

    return inspect_module(ExportOptions(checkpoint=path), cache_dir=cache_dir, progress=progress)


def _facts(path: Path, facts: Mapping[str, str]) -> Table:
    return Table(str(path), _COLUMNS, (("size", f"{path.stat().st_size:,} bytes"), *facts.items()))


def _safetensors_table(path: Path) -> Table:
    header = read_header(path)
    config = header.config
    parameters = sum(math.prod(shape) for shape in header.shapes.values())
    facts = {
        "kind": "edgesr generator checkpoint (safetensors)",
        "parameters": f"{parameters:,}",
        "tensors": str(len(header.shapes)),
        "config": json.dumps(dataclasses.asdict(config)),
        "projection": _projection_text(config),
        **_cost(path),
        "input": "1x3x?x? float32, RGB in [0,255]",
        "output": f"1x3x?x? float32, RGB in [0,255], {config.scale} times the size",
        **header.training,
    }
    return _facts(path, facts)


def _published_table(path: Path) -> Table:
    require_packages("inspecting a .pth file", ("torch",), extra="train")
    from edgesr.sr_model.generators.published import from_published_state, read_state

    state = read_state(path)
    generator = from_published_state(state, source=str(path))
    facts = {
        "kind": "published SRResCGAN or SRResCycGAN x4 generator (state dict)",
        "parameters": f"{sum(t.numel() for t in state.values()):,} with weight norm",
        "parameters folded": f"{sum(p.numel() for p in generator.parameters()):,}",
        "tensors": str(len(state)),
        "config": json.dumps(dataclasses.asdict(generator.config)),
        "projection": _projection_text(generator.config),
        **_cost(path),
        "input": "1x3x?x? float32, RGB in [0,255]",
        "output": f"1x3x?x? float32, RGB in [0,255], {generator.config.scale} times the size",
    }
    return _facts(path, facts)


def _projection_text(config: GeneratorConfig) -> str:
    return "by noise level, learned alpha" if config.projection else "none"


def _cost(path: Path) -> dict[str, str]:
    """MAC per HR pixel and operators, where torch is there to count them."""
    if installed_version("torch") is None:
        return {"MAC per HR pixel": f"needs torch: {RUNTIMES['torchscript'].install_command}"}
    from edgesr.export.conversions.full_and_tile import measure_halo
    from edgesr.sr_model.generators.checkpoint import load_checkpoint
    from edgesr.sr_model.generators.cost import count_mac_per_hr_pixel

    generator = load_checkpoint(path)
    halo = measure_halo(generator)
    leaves = [type(m).__name__ for m in generator.body.modules() if not list(m.children())]
    return {
        "MAC per HR pixel": f"{count_mac_per_hr_pixel(generator):,.1f}",
        "halo": f"{halo} LR pixels" if halo is not None else "the whole image: no tile is exact, use --graph full",
        "operators": counts_text(leaves),
    }


def _bundle_tables(manifest: Manifest, refusals: Table) -> list[Table]:
    facts = {
        "generator": str(manifest.generator.get("name")),
        "scale": str(manifest.scale),
        "images": COLOUR_TEXTS[manifest.colour],
        "parameters": f"{manifest.checkpoint.parameters:,}",
        "checkpoint": f"{manifest.checkpoint.name}, sha256 {manifest.checkpoint.sha256}",
        "glue": _glue_text(manifest.glue),
        "reference": REFERENCES[manifest.reference],
        **({} if manifest.tiling is None else {"tiles": manifest.tiling.text}),
        "made by": f"edgesr {manifest.edgesr_version}, schema version {manifest.schema_version}",
    }
    artifacts = tuple(
        (
            a.id,
            ", ".join(a.runtimes),
            f"{a.inputs[0].name} {shape_text(a.inputs[0].shape)} {a.inputs[0].layout}{_bounds_text(a)}",
            f"{a.outputs[0].name} {shape_text(a.outputs[0].shape)} {a.outputs[0].dtype}",
            "-" if a.halo is None else str(a.halo),
            a.padding,
            f"{a.mac_per_hr_pixel:,.0f}",
            f"{a.size_bytes:,}",
            "legacy" if a.legacy else "",
        )
        for a in manifest.artifacts
    )
    columns = ("artifact", "runtimes", "input", "output", "halo", "padding", "MAC/HR pixel", "bytes", "")
    goldens = tuple(
        (g.id, f"{g.size[0]}x{g.size[1]}", _number(g.k), _number(g.sigma), g.source, str(len(g.intermediates)))
        for g in manifest.goldens
    )
    return [
        Table("Bundle", _COLUMNS, tuple(facts.items())),
        Table("Artifacts", columns, artifacts),
        *_if_any(delegate_table(manifest)),
        *_if_any(refusals),
        *quantization_tables(manifest),
        Table("Goldens", ("golden", "LR size", "k", "noise level", "source", "intermediates"), goldens),
    ]


def _bounds_text(artifact: Artifact) -> str:
    return "" if artifact.bounds is None else f", {artifact.bounds.text}"


def _if_any(table: Table) -> list[Table]:
    return [table] if table.rows else []


def _glue_text(glue: Glue) -> str:
    if glue.noise_level is None:
        return f"{glue.upsample}, no projection"
    return f"{glue.upsample}, noise level {glue.noise_level}, alpha {glue.alpha}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
