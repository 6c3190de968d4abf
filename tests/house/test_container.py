"""The image of Containerfile: what is in it, and that it works unprivileged, on a read-only root, without a network."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgesr.runtimes.bundle.opening import open_bundle
from edgesr.runtimes.images.image_io import read_rgb8
from edgesr.runtimes.upscaling.options import UpscaleOptions
from edgesr.runtimes.upscaling.upscale import upscale
from tests.helpers.boxes.container import Container, build, require_own_cgroups
from tests.helpers.boxes.needs import require_programs, require_root
from tests.helpers.places import PHOTOGRAPHS, RELEASED_BUNDLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The image, and more than a GB of what it is made of: gone afterwards."""
    require_root()
    require_own_cgroups()
    require_programs("debootstrap", "buildah", "podman", "crun")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("needs Python 3.11, that of Debian 12: wheels for the image are made by this one")
    folder = tmp_path_factory.mktemp("container")
    yield build(folder)
    shutil.rmtree(folder)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder of the image's user with a photograph and a bundle."""
    shutil.copy(PHOTOGRAPHS / "cat.png", tmp_path / "cat.png")
    shutil.copytree(RELEASED_BUNDLE, tmp_path / "bundle")
    for path in (tmp_path, *tmp_path.rglob("*")):
        shutil.chown(path, 1000, 1000)
    return tmp_path


def test_the_image_is_small_and_unprivileged(container: Container) -> None:
    assert int(container.told("{{.Size}}")) < 800_000_000
    assert container.told("{{.Config.User}}") == "1000:1000"
    assert container.told("{{json .Config.Entrypoint}}") == '["/opt/edgesr/bin/edgesr"]'
    assert "ORT_DISABLE_TELEMETRY=1" in container.told("{{json .Config.Env}}")


def test_it_has_no_framework_and_no_pip(container: Container, work: Path) -> None:
    for name in ("torch", "tensorflow", "onnx", "pip"):
        done = container.run(work, "-c", f"import {name}", entrypoint="/opt/edgesr/bin/python")
        assert (done.returncode, f"No module named '{name}'" in done.stderr) == (1, True), done.stderr


def test_it_upscales_as_we_do(container: Container, work: Path) -> None:
    bundle = open_bundle(RELEASED_BUNDLE)
    for runtime in ("ort", "tflite"):
        options = ("--bundle", "bundle", "--runtime", runtime)
        done = container.run(work, "upscale", "cat.png", f"{runtime}.png", *options)
        assert done.returncode == 0, done.stderr
        expected = upscale(read_rgb8(work / "cat.png"), bundle, UpscaleOptions(runtime=runtime))
        found = read_rgb8(work / f"{runtime}.png")
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1
    assert {path.name for path in work.iterdir()} == {"bundle", "cat.png", "ort.png", "tflite.png"}


def test_it_passes_parity_and_measures(container: Container, work: Path) -> None:
    done = container.run(work, "parity", "bundle", "--json", "parity.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((work / "parity.json").read_text())["results"]
    assert {row["key"]["artifact"] for row in rows if row["passed"]} == {
        *("onnx-fp32-full", "onnx-fp32-tile", "tflite-fp32-tile-12x16", "tflite-fp32-tile-zero-12x16"),
    }
    short = ("--artifact", "onnx-fp32-tile", "--calls", "3", "--seconds", "0", "--rounds", "1")
    done = container.run(work, "bench", "bundle", *short, "--json", "latency.json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads((work / "latency.json").read_text())["results"]
    assert row["status"] == "done" and len(row["latency"]["samples_ms"][0]) >= 3


def test_nothing_but_the_mounted_folder_can_be_written(container: Container, work: Path) -> None:
    write = "for place in / /tmp /opt/edgesr /work; do touch $place/x 2>/dev/null && echo $place; done"
    done = container.run(work, "-c", f"{write}; id -u; ls /sys/class/net", entrypoint="/bin/sh")
    assert done.stdout.split() == ["/work", "1000", "lo"], done
