"""Seconds, CPU seconds and memory of all methods, in rounds: each method once in a round, in a fresh process."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from peer_methods import Method
from peer_process import Call, PeerError, PeerProcess, Told
from peer_results import CROP, PHOTOGRAPH, TimePart, TimeRow
from PIL import Image

from edgesr.benchmarks.machine.environment import current_environment
from edgesr.benchmarks.results.header import utc_now
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.images.image_io import read_rgb8

CROP_SIZE = (361, 236)
"""Width and height of what slow methods upscale: a sixteenth of the photograph, from its middle."""

_Rounds = dict[str, list[tuple[float, Call]]]


def measure(
    methods: Sequence[Method], pythons: dict[str, Path], photograph: Path, rounds: dict[str, int], told: Told
) -> TimePart:
    """``rounds`` of each picture, 1 or more. A method that fails in one round has no figures."""
    rows: list[TimeRow] = []
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures, sizes = _pictures(photograph, Path(folder))
        for picture, source in pictures.items():
            chosen = [one for one in methods if picture in one.pictures]
            found, failures = _in_rounds(chosen, pythons, source, rounds[picture], versions, told)
            rows += [_row(one.name, picture, found.get(one.name, []), failures.get(one.name)) for one in chosen]
    return TimePart(
        created_utc=utc_now(),
        environment=current_environment(),
        versions=dict(sorted(versions.items())),
        titles={one.name: one.title for one in methods},
        groups={one.name: one.group for one in methods},
        sizes=sizes,
        rows=tuple(rows),
    )


def _pictures(photograph: Path, folder: Path) -> tuple[dict[str, Path], dict[str, tuple[int, int]]]:
    """Files of the photograph and of its crop, and their sizes; both are 8-bit RGB."""
    whole = Image.fromarray(read_rgb8(photograph))
    if whole.width < CROP_SIZE[0] or whole.height < CROP_SIZE[1]:
        raise InputError(f"{photograph}: {whole.width}x{whole.height} pixels is smaller than the crop of {CROP_SIZE}")
    left, top = ((side - part) // 2 for side, part in zip(whole.size, CROP_SIZE, strict=True))
    crop = whole.crop((left, top, left + CROP_SIZE[0], top + CROP_SIZE[1]))
    files = {PHOTOGRAPH: folder / "photograph.png", CROP: folder / "crop.png"}
    for image, file in zip((whole, crop), files.values(), strict=True):
        image.save(file, compress_level=1)
    return files, {PHOTOGRAPH: whole.size, CROP: crop.size}


def _in_rounds(
    methods: Sequence[Method], pythons: dict[str, Path], source: Path, rounds: int, versions: dict[str, str], told: Told
) -> tuple[_Rounds, dict[str, str]]:
    found: _Rounds = {}
    failures: dict[str, str] = {}
    for turn in range(rounds):
        for method in (one for one in methods if one.name not in failures):
            try:
                with PeerProcess(method, pythons) as process:
                    versions.update(process.versions)
                    call = process.upscale(source, source.with_name("out.png"))
                    found.setdefault(method.name, []).append((process.load_seconds, call))
            except PeerError as error:
                failures[method.name] = str(error)
                told(f"{method.title}: {error}")
                continue
            told(f"{source.stem}, round {turn + 1}: {method.title} {call.seconds:.1f} s")
    return found, failures


def _row(method: str, picture: str, found: list[tuple[float, Call]], failure: str | None) -> TimeRow:
    calls = [] if failure else found
    return TimeRow(
        method=method,
        picture=picture,
        load_seconds=tuple(load for load, _ in calls),
        seconds=tuple(call.seconds for _, call in calls),
        cpu_seconds=tuple(call.cpu_seconds for _, call in calls),
        peak_bytes=tuple(call.peak_bytes for _, call in calls),
        failure=failure,
    )
