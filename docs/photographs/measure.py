"""A photograph from file to file: its peak memory, its time and processor time against the network's calls alone.

python docs/photographs/measure.py memory BUNDLE IMAGE [--megapixels 160,400] [--runtime ort,tflite] [--suffix .jpg]
python docs/photographs/measure.py time BUNDLE IMAGE [--suffix .jpg] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from edgesr.benchmarks.machine.memory import peak_rss_bytes, rss_bytes
from edgesr.runtimes.adapters.registry import runtime_info
from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.runtimes.json_file import parse_json
from edgesr.runtimes.upscaling.files import FileUpscaler
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions
from edgesr.runtimes.upscaling.outcomes import PlannedImage
from edgesr.runtimes.upscaling.upscale import Upscaler


def main() -> None:
    arguments = _arguments()
    {"memory": _memory, "time": _time, "one": _one}[arguments.what](arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["memory", "time", "one"])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--artifact")
    parser.add_argument("--runtime", default="ort", help="several for memory, as in ort,tflite")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", type=int, default=256, help="MB")
    parser.add_argument("--suffix", default=".jpg", help="of the output")
    parser.add_argument("--megapixels", default="160,400", help="of the output, each in a process of its own")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> UpscaleOptions:
    return UpscaleOptions(
        artifact_id=arguments.artifact,
        runtime=arguments.runtime,
        threads=arguments.threads,
        memory_bytes=arguments.memory * 10**6,
    )


def _memory(arguments: argparse.Namespace) -> None:
    """Photographs of given sizes, repetitions of the given one, as JPEG; a fresh process each."""
    print("| output | runtime | planned MB | peak MB above the runtime | planned s | s |")
    print("|---|---|---|---|---|---|")
    scale = open_bundle(arguments.bundle).manifest.scale
    with tempfile.TemporaryDirectory() as folder:
        for megapixels in arguments.megapixels.split(","):
            source = Path(folder) / f"{megapixels}.jpg"
            height = round((float(megapixels) * 1e6 * 3 / 4) ** 0.5 / scale)
            _repeat(arguments.image, (height, height * 4 // 3), source)
            for runtime in arguments.runtime.split(","):
                options = [*sys.argv[4:], "--runtime", runtime]
                command = [sys.executable, __file__, "one", *sys.argv[2:3], str(source), *options]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                one = parse_json(done.stdout.splitlines()[-1].encode())
                print(
                    f"| {one['size']} | {runtime} | {one['planned_mb']:.0f} | {one['peak_mb']:.0f} | "
                    f"{one['planned_s']:.1f} | {one['took_s']:.1f} |",
                    flush=True,
                )


def _repeat(image: Path, size: tuple[int, int], target: Path) -> None:
    pixels = read_rgb8(image)
    times = [-(-wanted // had) for wanted, had in zip(size, pixels.shape[:2], strict=True)]
    Image.fromarray(np.tile(pixels, (*times, 1))[: size[0], : size[1]]).save(target, quality=90)


def _one(arguments: argparse.Namespace) -> None:
    runtime_info(arguments.runtime).load()
    before = rss_bytes()
    target = arguments.image.with_name(f"output{arguments.suffix}")
    upscaler = FileUpscaler(open_bundle(arguments.bundle), _options(arguments), FileOptions(max_megapixels=10_000))
    planned = next(upscaler.planned(arguments.image, target))
    assert isinstance(planned, PlannedImage), planned
    began = time.perf_counter()
    upscaler.file(arguments.image, target)
    took = time.perf_counter() - began
    found = {
        "size": f"{planned.width}x{planned.height}",
        "planned_mb": ((planned.memory_bytes or 0) + planned.image_bytes) / 1e6,
        "peak_mb": (peak_rss_bytes() - before) / 1e6,
        "planned_s": planned.seconds,
        "took_s": took,
    }
    print(json.dumps(found))


def _time(arguments: argparse.Namespace) -> None:
    """File to file and the network's calls on as many tiles in turn; both sessions are open and warm."""
    bundle = open_bundle(arguments.bundle)
    upscaler = FileUpscaler(bundle, _options(arguments), FileOptions(max_megapixels=10_000))
    walls, processors = [], []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"output{arguments.suffix}"
        planned = next(upscaler.planned(arguments.image, target))
        assert isinstance(planned, PlannedImage), planned
        alone = Upscaler(bundle, _options(arguments))
        upscaler.file(arguments.image, target)
        _network(alone, planned)
        for _ in range(arguments.rounds):
            whole = _timed(lambda: upscaler.file(arguments.image, target))
            network = _timed(lambda: _network(alone, planned))
            walls.append(whole[0] / network[0])
            processors.append(whole[1] / network[1])
    print("| artifact | threads | output | tiles | wall / network | CPU / network's CPU |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {planned.plan.artifact.id} | {arguments.threads} | {arguments.suffix} | {planned.plan.grid.tiles} | "
        f"{median(walls):.3f} | {median(processors):.3f} |"
    )


def _network(upscaler: Upscaler, planned: PlannedImage) -> None:
    """The calls of the runtime alone, on noise: tiles of a plan have the sizes of its spans."""
    session = upscaler.session(planned.plan.artifact, planned.plan.runtime)
    channels = session.artifact.inputs[0].shape[1 if session.artifact.inputs[0].layout == "NCHW" else 3]
    largest = planned.plan.grid.tile_size
    noise = np.random.default_rng(0).uniform(0, 255, (channels or 3, *largest)).astype(np.float32)
    for rows in planned.plan.grid.rows:
        for columns in planned.plan.grid.columns:
            session.infer(np.ascontiguousarray(noise[:, : rows.stop - rows.start, : columns.stop - columns.start]))


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - processor


if __name__ == "__main__":
    main()
