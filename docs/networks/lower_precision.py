"""Exports networks of rows.py in float16 and int8, and prints the rows of the table of lower precision.

python docs/networks/lower_precision.py FOLDER DATA [NAME ...]

FOLDER is that of measure.py, DATA holds Set5 and Set14 as folders of HR images. What was measured is kept in
FOLDER/lower_precision.json: a run that was stopped goes on, and a row is measured anew when it is deleted there.
Fidelity is measured against the float32 file of the same format, on LR images that nothing was calibrated or chosen on.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import run_edgesr
from rows import ROWS, Row

from edgesr import UpscaleOptions, open_bundle, upscale
from edgesr.benchmarks.parity.comparison import finite
from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import degraded_pair
from edgesr.benchmarks.quality.metrics import channel_mean_shift, crop_border, psnr
from edgesr.runtimes.arrays import FloatArray
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.json_file import parse_json

LIMIT_S = 3600
TILES = {"SRVGG x4, animevideov3": 48, "RLFN x4": 96, "BSRN x4": 96, "Real-CUGAN fast x2": 96}
"""Sides of tiles other than those of rows.py: smaller than most images, or beyond an inexact halo."""
SETS = ("Set5", "Set14")
PRECISIONS = "fp32,fp16,int8"
HEADER = (
    *("network", "format", "fp16 dB", "int8 mean, worst dB", "shift"),
    *("loss Set5, Set14", "size fp16, int8", "time fp16, int8", "layers in float"),
)


def main(folder: Path, data: Path, names: list[str]) -> None:
    """Measure the rows with these names in this order, and print the table of all that was measured."""
    kept = folder / "lower_precision.json"
    measured: dict[str, Any] = parse_json(kept.read_bytes()) if kept.exists() else {}
    rows = {row.name: row for row in ROWS}
    for name in names:
        if name not in measured:
            measured[name] = measure(rows[name], folder, data)
            kept.write_text(json.dumps(measured, indent=1))
    print(f"| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|")
    for name, found in measured.items():
        for line in table_rows(name, found):
            print(line)


def measure(row: Row, folder: Path, data: Path) -> dict[str, Any]:
    """Export one network as a user would, upscale all images with each tile graph, and time them in one run."""
    output = folder / "lower_precision" / row.name.replace(" ", "_")
    weights = () if row.checkpoint is None else ("--checkpoint", row.checkpoint)
    source = ("--module", row.module, *weights, *row.options, "--targets", "onnx,tflite", "--precision", PRECISIONS)
    tile = TILES.get(row.name, row.tile)
    tiles = ("--tile-size", f"{tile}x{tile}", "--graph", "tile", "--allow-inexact-tiles")
    cache = f"caches/{output.name}"
    start = time.monotonic()
    export = ("export", *source, *tiles, "--output", str(output), "--cache-dir", cache)
    code, said = run_edgesr(export, folder, limit_s=LIMIT_S)
    result: dict[str, Any] = {"code": code, "said": said, "export_s": time.monotonic() - start, "artifacts": {}}
    if not (output / "manifest.json").exists():
        return result
    bundle, timed = open_bundle(output), folder / f"{output.name}.latency.json"
    run_edgesr(
        ("bench", str(output), "--rounds", "3", "--calls", "3", "--seconds", "0.5", "--json", str(timed)), folder
    )
    ratios = {r["key"]["artifact"]: r["ratio_to_fp32"] for r in parse_json(timed.read_bytes())["results"]}
    fixed = [a for a in bundle.manifest.artifacts if a.format == "tflite" and not a.use("tflite").resizable]
    least = tile if fixed else 1
    pictures = {artifact.id: upscaled(bundle, artifact, data, least) for artifact in bundle.manifest.artifacts}
    for artifact in bundle.manifest.artifacts:
        reference = next(a for a in bundle.manifest.artifacts if a.format == artifact.format and a.precision == "fp32")
        if artifact is not reference:
            figures = compared(pictures[artifact.id], pictures[reference.id])
            size = artifact.size_bytes / reference.size_bytes
            record = artifact.quantization
            float_layers = [] if record is None else record.float_layers
            figures.update(size=size, ratio=ratios.get(artifact.id), float_layers=float_layers)
            result["artifacts"][artifact.id] = figures
    return result


def upscaled(
    bundle: Bundle, artifact: Artifact, data: Path, least: int
) -> dict[str, list[tuple[FloatArray, FloatArray]]]:
    """The pictures (3,H,W) of an artifact and the HR images, for each set; LR images have sides of at least
    ``least``.
    """
    options, scale, tiling = UpscaleOptions(artifact_id=artifact.id), bundle.manifest.scale, bundle.manifest.tiling
    multiple = bundle.manifest.multiple if tiling is None else tiling.step
    found: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
    for name in SETS:
        found[name] = []
        for pair in read_image_set(data / name).pairs:
            hr, lr, _ = degraded_pair(replace(pair, lr=None), scale=scale, degradation="clean", seed=0)
            height, width = (side // multiple * multiple for side in lr.shape[:2])
            if min(height, width) < least:
                continue
            hr, lr = hr[: scale * height, : scale * width], np.ascontiguousarray(lr[:height, :width])
            picture = upscale(lr.astype(np.float32), bundle, options)
            found[name].append((picture.transpose(2, 0, 1), hr.transpose(2, 0, 1).astype(np.float32)))
    return found


def compared(
    pictures: dict[str, list[tuple[FloatArray, FloatArray]]], references: dict[str, list[tuple[FloatArray, FloatArray]]]
) -> dict[str, Any]:
    """Fidelity over all images, and the PSNR (RGB, a border of 4 left out) that each set loses on average."""
    pairs = [(a, b) for name in SETS for (a, _), (b, _) in zip(pictures[name], references[name], strict=True)]
    near = [psnr(picture, reference) for picture, reference in pairs]
    loss = {}
    for name in SETS:
        drops = [
            psnr(crop_border(reference, 4), crop_border(hr, 4)) - psnr(crop_border(picture, 4), crop_border(hr, 4))
            for (picture, hr), (reference, _) in zip(pictures[name], references[name], strict=True)
        ]
        loss[name] = float(np.mean(drops))
    shift = max(value for pair in pairs for value in channel_mean_shift(*pair))
    return {"mean_db": finite(float(np.mean(near))), "worst_db": finite(min(near)), "shift": shift, "loss": loss}


def table_rows(name: str, measured: dict[str, Any]) -> list[str]:
    """A row in Markdown for each format; what the export said where an artifact is missing."""
    rows = []
    for target in ("onnx", "tflite"):
        found = {key.split("-")[1]: figures for key, figures in measured["artifacts"].items() if key.startswith(target)}
        if "fp16" in found and "int8" in found:
            rows.append(f"| {name} | {target} | {' | '.join(_cells(found['fp16'], found['int8']))} |")
    missing = [line for line in measured["said"].splitlines() if "could not be made" in line]
    return rows + [f"| {name} | {line} |" for line in missing]


def _cells(fp16: dict[str, Any], int8: dict[str, Any]) -> tuple[str, ...]:
    return (
        "exact" if fp16["mean_db"] is None else f"{fp16['mean_db']:.1f}",
        f"{int8['mean_db']:.1f}, {int8['worst_db']:.1f}",
        f"{int8['shift']:.2f}",
        ", ".join(f"{int8['loss'][name]:.3f}" for name in SETS),
        f"{fp16['size']:.2f}, {int8['size']:.2f}",
        ", ".join("-" if figures["ratio"] is None else f"{figures['ratio']:.2f}" for figures in (fp16, int8)),
        str(len(int8["float_layers"])),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3:])
