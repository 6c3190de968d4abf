"""Files of users' networks are compared with the network before they are kept: converters know our networks, not all.

Only float32 is exported of them. A file that misses float32's tolerance on a golden is no artifact of the bundle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgesr.benchmarks.parity.comparison import compare
from edgesr.export.options import DEFAULT_MAX_SHIFT, DEFAULT_MIN_PSNR_DB
from edgesr.export.quantization.precisions import tolerances
from edgesr.export.records import GoldenRecord
from edgesr.export.stages.cache import Stage, StageCache
from edgesr.export.stages.converted import ConvertedArtifact
from edgesr.runtimes.adapters.registry import is_installed, runtime_info
from edgesr.runtimes.adapters.session import from_layout, to_layout
from edgesr.runtimes.bundle.manifest import Layout
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.json_records import to_json

PROOF_FILE = "proof.json"
_RING = 8


@dataclass(frozen=True)
class Proof:
    """On how many goldens a file computes what the network does."""

    goldens: int


def prove_artifact(cache: StageCache, made: ConvertedArtifact, goldens: tuple[Path, Sequence[GoldenRecord]]) -> None:
    """An EdgesrError where a file is another function on a golden of a size that it takes; on its first runtime."""
    plan, folder = made.plan, goldens[0]
    runtime = plan.target.runtimes[0]
    if not is_installed(runtime):
        return
    role = "output" if plan.graph == "full" else "residual"
    pairs = tuple(
        (folder / record.files["input"], folder / record.files[role])
        for record in goldens[1]
        if plan.tile_size in (None, record.size)
    )
    stage = Stage(f"proof-{plan.id}-{runtime}", prove)
    cache.run(stage, made.file, runtime, plan.target.layout, plan.precision, pairs)


def prove(
    folder: Path, file: Path, runtime: str, layout: Layout, precision: str, pairs: tuple[tuple[Path, Path], ...]
) -> None:
    """Write the `Proof`. ``pairs``: files of an LR image (3,h,w) and of its picture (3,s*h,s*w)."""
    info = runtime_info(runtime)
    info.load()
    session = info.open(file, 1)
    tolerance = tolerances(DEFAULT_MIN_PSNR_DB, DEFAULT_MAX_SHIFT)[precision]
    for lr, picture in pairs:
        try:
            found = from_layout(session.run(to_layout(np.load(lr), layout)), layout)
        except info.failures() as error:
            raise EdgesrError(f"{info.title} fails on an image: {' '.join(str(error).split())}") from error
        if failures := compare(found, np.load(picture), tolerance, ring=_RING).failures:
            golden = lr.name.partition(".")[0]
            raise EdgesrError(
                f"the converted file computes another picture than the network, on the golden {golden}: {failures[0]}"
            )
    (folder / PROOF_FILE).write_text(to_json(Proof(len(pairs))))
