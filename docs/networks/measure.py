"""Exports every network of rows.py, checks its parity, and prints the rows of the table in docs/network_figures.md.

python docs/networks/measure.py FOLDER [NAME ...]

FOLDER holds the clones and weights that the files next to this one name. What was measured is kept in
FOLDER/measured.json: a run that was stopped goes on, and a row is measured anew when it is deleted there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rows import ROWS, Row

from edgesr import open_bundle
from edgesr.runtimes.bundle.manifest import Manifest
from edgesr.runtimes.json_file import parse_json

TARGETS = ("onnx", "tflite", "torchscript")
LIMIT_S = 600
HEADER = (
    "network",
    "special",
    "weights",
    "parameters",
    "ONNX",
    "TFLite",
    "TorchScript",
    "peak, multiple",
    "tiles: halo, step, error",
    "export, ONNX file",
)


def main(folder: Path, names: list[str]) -> None:
    """Measure the rows with these names in this order, or all, and print the table of all that was measured."""
    kept = folder / "measured.json"
    measured: dict[str, Any] = parse_json(kept.read_bytes()) if kept.exists() else {}
    rows = {row.name: row for row in ROWS}
    for name in names or rows:
        if name not in measured:
            measured[name] = measure(rows[name], folder)
            kept.write_text(json.dumps(measured, indent=1))
    print(f"| {' | '.join(HEADER)} |\n{'|---' * len(HEADER)}|")
    for name, row in rows.items():
        if name in measured:
            print(table_row(row, measured[name]))


def measure(row: Row, folder: Path) -> dict[str, Any]:
    """Export and check one network as a user would; what the export said where there is no bundle."""
    bundle = folder / "bundles" / row.name.replace(" ", "_")
    weights = () if row.checkpoint is None else ("--checkpoint", row.checkpoint)
    source = ("--module", row.module, *weights, *row.options)
    cache = f"caches/{bundle.name}"
    export = ("export", *source, "--tile-size", f"{row.tile}x{row.tile}", "--output", str(bundle), "--cache-dir", cache)
    start = time.monotonic()
    code, said = run_edgesr(export, folder)
    result: dict[str, Any] = {"code": code, "said": said, "export_s": time.monotonic() - start}
    if (bundle / "manifest.json").exists():
        checked = folder / f"{bundle.name}.parity.json"
        result["parity_code"], _ = run_edgesr(("parity", str(bundle), "--json", str(checked)), folder)
        result.update(_figures(open_bundle(bundle).manifest, parse_json(checked.read_bytes())["results"]))
    return result


def run_edgesr(arguments: tuple[str, ...], folder: Path, *, limit_s: int = LIMIT_S) -> tuple[int, str]:
    """The exit code of the command and what it wrote to stderr; it and its processes are ended after ``limit_s``."""
    command = [sys.executable, "-P", "-m", "edgesr", *arguments]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            said = process.communicate(timeout=limit_s)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return 124, f"stopped after {limit_s} seconds"
    return process.returncode, said.strip()


def _figures(manifest: Manifest, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Worst PSNR (dB, None: equal) and number of image sizes of each target, and what the manifest records."""
    sizes = {golden.id: golden.size for golden in manifest.goldens}
    targets = {}
    for target in TARGETS:
        rows = [row for row in results if row["key"]["artifact"].startswith(f"{target}-")]
        goldens = [golden for row in rows for golden in row["parity"]["goldens"]]
        if goldens:
            psnr = [golden["psnr_db"] for golden in goldens if golden["psnr_db"] is not None]
            targets[target] = {
                "worst_db": min(psnr, default=None),
                "sizes": len({sizes[golden["golden"]] for golden in goldens}),
                "passed": all(row["passed"] for row in rows),
            }
    tiling = manifest.tiling
    assert tiling is not None
    return {
        "targets": targets,
        "parameters": manifest.checkpoint.parameters,
        "multiple": manifest.multiple,
        "tiling": asdict(tiling),
        "onnx_bytes": max((a.size_bytes for a in manifest.artifacts if a.format == "onnx"), default=0),
    }


def table_row(row: Row, measured: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    weights = "seeded" if row.checkpoint is None else "published"
    if "targets" not in measured:
        why = measured["said"].splitlines()[-1].removeprefix("edgesr: ")
        return f"| {row.name} | {row.special} | {weights} | no bundle: {why} |"
    peak = row.options[row.options.index("--peak") + 1] if "--peak" in row.options else "1"
    cells = (
        row.name,
        row.special,
        weights,
        f"{measured['parameters']:,}",
        *(_psnr_text(measured["targets"].get(target)) for target in TARGETS),
        f"{peak}, {measured['multiple']}",
        _tiles_text(measured["tiling"]),
        f"{measured['export_s']:.0f} s, {measured['onnx_bytes'] / 1e6:.1f} MB",
    )
    return f"| {' | '.join(cells)} |"


def _tiles_text(tiling: dict[str, Any]) -> str:
    if tiling["verdict"] == "inexact":
        return f"inexact, {tiling['error']:.2g}"
    return f"{tiling['verdict']}: {tiling['halo']}, {tiling['step']}, {tiling['error']:.2g}"


def _psnr_text(target: dict[str, Any] | None) -> str:
    if target is None:
        return "left out"
    figure = "exact" if target["worst_db"] is None else f"{target['worst_db']:.1f}"
    return figure if target["passed"] else f"{figure}, fails"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
