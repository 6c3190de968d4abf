"""Makes the int8 file of a bundle's float32 ONNX tile graph anew, by the functions that `edgesr export` calls.

python docs/walkthrough/int8_file.py BUNDLE FOLDER

It needs neither PyTorch nor TensorFlow. docs/walkthrough.md explains each step.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from edgesr.export.calibration.network_tiles import network_tiles
from edgesr.export.calibration.tiles import synthetic_calibration
from edgesr.export.quantization.plan import OWN_BUDGET, AskedBudget, Calibrated, Plan, read_plan
from edgesr.export.steps import int8_plan, rewrite_onnx
from edgesr.export.steps.rewriting import Rewriting, taken_size
from edgesr.runtimes.arrays import FloatArray, Image
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.files import sha256_of


def main() -> None:
    bundle, folder = open_bundle(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    float_file = bundle.model_path(bundle.artifact("onnx-fp32-tile"))
    plan = _planned(bundle, float_file, folder)
    assert plan.measured is not None  # with weights of 7 bits, which the ONNX file has
    print(f"plan: {len(plan.float_layers)} layers stay in float, ranges by {plan.range_method},")
    print(f"      mean PSNR {plan.measured.mean_psnr_db:.1f} dB against float32 on the selection tiles")
    int8_file = _rewritten(bundle, float_file, plan, folder)
    print(f"file: {int8_file}, {int8_file.stat().st_size} bytes, from {float_file.stat().st_size}")
    same = sha256_of(int8_file) == bundle.artifact("onnx-int8-tile").file.sha256
    print("the bundle's onnx-int8-tile is", "the same file" if same else "another file")


def _planned(bundle: Bundle, float_file: Path, folder: Path) -> Plan:
    """Choose ranges and layers on calibration tiles."""
    manifest, calibration = bundle.manifest, synthetic_calibration()

    def as_taken(tiles: Sequence[Image]) -> tuple[FloatArray, ...]:
        return network_tiles(
            tiles, colour=manifest.colour, least_side=manifest.minimum_side, multiple=manifest.multiple
        )

    int8_plan.search(
        folder,
        float_file,
        tiles=as_taken(calibration.tiles),
        selection=as_taken(calibration.selection),
        asked=AskedBudget(min_psnr_db=OWN_BUDGET.min_psnr_db, max_shift=OWN_BUDGET.max_shift),
        range_method=None,
        scale=manifest.scale,
        glue=manifest.glue,
        photographs=(),
        tell=print,
    )
    return read_plan(folder)


def _rewritten(bundle: Bundle, float_file: Path, plan: Plan, folder: Path) -> Path:
    """Write the int8 file by the plan."""
    size = taken_size(least_side=bundle.manifest.minimum_side, multiple=bundle.manifest.multiple)
    rewriting = Rewriting(precision="int8", tile_file=float_file, calibrated=Calibrated(plan=plan), size=size)
    rewrite_onnx.rewrite(folder, rewriting, float_file, "tile")
    return folder / "model.onnx"


if __name__ == "__main__":
    main()
