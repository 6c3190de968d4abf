"""The targets of fuzzing: each has seeds, a mutation, and the command's own way of reading such a file."""

from __future__ import annotations

import functools
import io
import random
import re
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgesr.benchmarks.devices.boxes.answers import unpacked
from edgesr.benchmarks.devices.boxes.facts import parse_facts
from edgesr.benchmarks.devices.worker_process import parsed_outcome
from edgesr.benchmarks.latency.end_to_end_results import EndToEndResults
from edgesr.benchmarks.latency.profiles import ProfileResults
from edgesr.benchmarks.latency.regression import compare_results
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.outside.index import INDEX_FILE, read_index
from edgesr.benchmarks.outside.raw_goldens import write_raw_goldens
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.parity.results import ParityResults
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.benchmarks.report.builder import build_report
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.result_files import read_results
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.tables.changes import change_lines
from edgesr.benchmarks.tables.devices import difference_table, instruction_table
from edgesr.benchmarks.tables.end_to_end import end_to_end_table
from edgesr.benchmarks.tables.latency import latency_notes, latency_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import golden_table, parity_table
from edgesr.benchmarks.tables.profiles import kind_table, operator_table, profile_notes
from edgesr.benchmarks.tables.quality import image_quality_table, mean_quality_table, quality_notes
from edgesr.export.inspection.contents import inspect
from edgesr.export.inspection.model_file import describe
from edgesr.runtimes.bundle.manifest import SCHEMA_VERSION
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from edgesr.sr_model.generators.checkpoint import load_checkpoint
from tests.fuzzing.mutations import Mutate, mutate_bytes, mutate_json, mutate_safetensors
from tests.helpers.places import RELEASE

R = TypeVar("R", ParityResults, LatencyResults, QualityResults, EndToEndResults, ProfileResults)


@dataclass(frozen=True)
class Target:
    """A kind of file. ``read`` gets a folder of its own with ``file``, and raises an EdgesrError for what it refuses.

    ``apart``: libraries in C++ read it, which may crash; edgesr runs them in a process of their own.
    """

    file: str
    seeds: Callable[[], list[bytes]]
    mutate: Mutate
    read: Callable[[Path], object]
    apart: bool = False


@functools.cache
def work_folder() -> tempfile.TemporaryDirectory[str]:
    """The folder that this process and its forks read their files from; removed when this process ends."""
    return tempfile.TemporaryDirectory(prefix="edgesr-fuzz-")


def read_input(target: Target, content: bytes) -> None:
    """Read content as the target's file."""
    file = Path(work_folder().name) / target.file
    if not file.parent.exists():
        shutil.copytree(RELEASE / "bundle", file.parent)
    file.write_bytes(content)
    target.read(file)


def _read_manifest(file: Path) -> None:
    bundle = open_bundle(file.parent)
    inspect(file.parent)
    build_report(bundle, ReportFiles(), pictures=False)
    for artifact, runtime in select_artifacts(bundle):
        if runtime == "ort":
            check_parity(bundle, artifact, runtime=runtime, threads=1)
            picture = np.full((9, 14, 3), 99, dtype=np.uint8)
            upscale(picture, bundle, UpscaleOptions(artifact_id=artifact.id, runtime=runtime))


def _result_file(name: str, cls: type[R], *shows: Callable[[R], object]) -> Target:
    """A result file: shown as on the command line, and in a report, whose option for it has its name."""

    def read(file: Path) -> None:
        results = read_results(cls, file)
        for show in shows:
            show(results)
        build_report(open_bundle(RELEASE / "bundle"), ReportFiles(**{name: file}), pictures=False)

    return Target(f"x/{name}.json", _seeds(f"{name}.json"), mutate_json, read)


def _show_latency(results: LatencyResults) -> None:
    latency_table(results)
    latency_notes(results)
    instruction_table(results.instructions)
    old = read_results(LatencyResults, RELEASE / "latency.json")
    for before in (results, old):
        change_lines(compare_results(before, results, limit=0.05, unlike=True))


def _describe(file: Path) -> None:
    described = describe(file)
    if described.refusal is not None:
        raise InputError(described.refusal)


def _checkpoint() -> list[bytes]:
    from tests.helpers.small_generator import save_projected_generator

    with tempfile.TemporaryDirectory() as folder:
        return [save_projected_generator(Path(folder)).read_bytes()]


def _published() -> list[bytes]:
    import torch

    from tests.helpers.published_reference import seeded_published_generator

    with tempfile.TemporaryDirectory() as folder:
        torch.save(seeded_published_generator().published_state(), Path(folder) / "x.pth")
        return [(Path(folder) / "x.pth").read_bytes()]


def _mutate_onnx(content: bytes, choice: random.Random) -> bytes:
    """As JSON where that can be written again, else as bytes."""
    import onnx
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    if choice.random() < 0.5:
        return mutate_bytes(content, choice)
    try:
        text = json_format.MessageToJson(onnx.ModelProto.FromString(content), indent=None)
        changed = mutate_json(text.encode(), choice).decode()
        return bytes(json_format.Parse(changed, onnx.ModelProto(), ignore_unknown_fields=True).SerializeToString())
    except (DecodeError, json_format.Error, ValueError, TypeError, RecursionError):
        return mutate_bytes(content, choice)


def _seeds(*names: str) -> Callable[[], list[bytes]]:
    return lambda: [(RELEASE / name).read_bytes() for name in names]


def _manifests() -> list[bytes]:
    """Two manifests: that of 0.1.0, and the same in the form of this version."""
    newest = replace(open_bundle(RELEASE / "bundle").manifest, schema_version=SCHEMA_VERSION)
    return [(RELEASE / "bundle" / MANIFEST_FILE).read_bytes(), to_json(newest).encode()]


def _box_answers() -> list[bytes]:
    """The answers of a box's tar for a job's files."""
    from edgesr.benchmarks.jobs import Outcome

    files = {"code": b"0\n", "result.json": to_json(Outcome(status="error", reason="no", result=None)).encode()}
    with tempfile.TemporaryFile() as made:
        with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as opened:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                opened.addfile(entry, io.BytesIO(content))
        made.seek(0)
        return [made.read()]


def _read_box_answer(file: Path) -> None:
    files = unpacked(file.read_bytes(), [re.compile(r"code|err|result\.json")])
    parsed_outcome(files.get("result.json", b""))


def _box_facts() -> list[bytes]:
    lines = ("machine=aarch64", "model=Raspberry Pi 5", "core=0 512 1800000", "free_kib=9", "executes=yes", "end=\n")
    return ["\n".join(lines).encode()]


def _raw_goldens() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_raw_goldens(open_bundle(RELEASE / "bundle"), Path(folder) / "raw")
        return [(Path(folder) / "raw" / INDEX_FILE).read_bytes()]


TARGETS = {
    "manifest": Target(f"bundle/{MANIFEST_FILE}", _manifests, mutate_json, _read_manifest),
    "parity": _result_file("parity", ParityResults, golden_table, parity_table, difference_table, not_measured),
    "latency": _result_file("latency", LatencyResults, _show_latency),
    "quality": _result_file("quality", QualityResults, image_quality_table, mean_quality_table, quality_notes),
    "end-to-end": _result_file("end_to_end", EndToEndResults, end_to_end_table),
    "profile": _result_file("profile", ProfileResults, kind_table, operator_table, profile_notes),
    "safetensors": Target("x/x.safetensors", _checkpoint, mutate_safetensors, inspect),
    "pth": Target("x/x.pth", _published, mutate_bytes, load_checkpoint),
    "onnx": Target(
        "x/x.onnx",
        _seeds("bundle/onnx-fp32-full.onnx", "bundle/onnx-fp32-tile.onnx"),
        _mutate_onnx,
        _describe,
        apart=True,
    ),
    "raw-goldens": Target(f"x/{INDEX_FILE}", _raw_goldens, mutate_json, lambda file: read_index(file.parent)),
    "box-answer": Target("x/answer.tar", _box_answers, mutate_bytes, _read_box_answer),
    "box-facts": Target("x/facts", _box_facts, mutate_bytes, lambda file: parse_facts(file.read_bytes())),
    "tflite": Target("x/x.tflite", _seeds("bundle/tflite-fp32-tile-12x16.tflite"), mutate_bytes, _describe, apart=True),
}
