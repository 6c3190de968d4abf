"""Boxes for tests: one that is this host behind a fake ssh."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.boxes.root.architecture import architecture
from edgesr.benchmarks.devices.boxes.root.layers import BASE, RECORD_FILE, SCHEMA_VERSION, Root, RootRecord, root_folder
from edgesr.benchmarks.devices.boxes.root.recipe import recipe_sha256
from edgesr.benchmarks.devices.boxes.root.setup import set_up
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.packages import installed_version
from tests.helpers.boxes.adbd import AdbdDevice, start_adbd
from tests.helpers.boxes.fake_ssh import FakeBox, make_box, small_layer
from tests.helpers.boxes.needs import require_programs, require_root, running, unavailable
from tests.helpers.boxes.sshd import SshdBox, start_sshd, write_joint_client


@pytest.fixture
def fake_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBox:
    """A box that runs everything on this host, found by a program "ssh" on PATH; no root is set up."""
    box = make_box(tmp_path / "box")
    monkeypatch.setenv("PATH", f"{box.folder}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return box


@pytest.fixture
def fake_root(fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root for x86_64 in the user's cache, of small layers: its loader starts this host's own Python."""
    fake_box.program("uname", 'case $1 in -m) echo x86_64 ;; *) exec /usr/bin/uname "$@" ;; esac')
    machine = architecture("x86_64")
    place = root_folder(machine)
    place.mkdir(parents=True)
    layers = tuple(
        small_layer(name, machine, place) for name in (BASE, "numpy", "pillow", "onnxruntime", "ai-edge-litert")
    )
    record = RootRecord(
        schema_version=SCHEMA_VERSION,
        recipe_sha256=recipe_sha256(machine),
        machine=machine.machine,
        packages={"libc6:amd64": "2.36"},
        wheels={layer.name: installed_version(layer.name) or "0" for layer in layers if layer.name != BASE},
        downloads={},
        layers=layers,
    )
    (place / RECORD_FILE).write_text(to_json(record))
    return place


@pytest.fixture(scope="session")
def box_root() -> Root:
    """The root for x86-64 boxes in the user's cache (XDG_CACHE_HOME moves it), set up when it is not there."""
    return _set_up("x86_64")


@pytest.fixture(scope="session")
def box_root_aarch64() -> Root:
    """The same for aarch64."""
    return _set_up("aarch64")


def _set_up(machine: str) -> Root:
    try:
        return set_up(architecture(machine))
    except (MissingPackageError, InputError) as error:
        unavailable(error)


@pytest.fixture(scope="session")
def sshd_box(box_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshdBox]:
    """A real box of this host's machine, with nothing but busybox."""
    require_root()
    require_programs("/usr/sbin/sshd")
    yield from running_box(tmp_path_factory.mktemp("sshd"), "x86_64")


def running_box(folder: Path, machine: str) -> Iterator[SshdBox]:
    """A real box of a machine; it and its files are gone afterwards."""
    try:
        box = start_sshd(folder, machine)
    except InputError as error:
        unavailable(error)
    yield box
    box.stop()
    assert running(f"{folder}/sshd_config".encode()) == []
    shutil.rmtree(box.root / "home")


@pytest.fixture
def two_boxes(
    sshd_box: SshdBox, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SshdBox, SshdBox]]:
    """The real box as "ssh:a", and another one as "ssh:b", which a test may kill."""
    client = tmp_path_factory.mktemp("client")
    for other in running_box(tmp_path_factory.mktemp("other"), "x86_64"):
        write_joint_client(client, {"a": sshd_box, "b": other})
        monkeypatch.setenv("PATH", f"{client}:{os.environ['PATH']}")
        yield sshd_box, other
        for box in (sshd_box, other):
            if box.process.poll() is None:
                box.wait_until_clean()


@pytest.fixture(scope="session")
def aarch64_box(box_root_aarch64: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshdBox]:
    """A box whose aarch64 programs qemu executes."""
    require_root()
    require_programs("/usr/sbin/sshd", "qemu-aarch64-static")
    release = tuple(int(one) for one in platform.release().split("-")[0].split(".")[:2])
    if release < (6, 7):
        pytest.skip(f"needs Linux 6.7, where formats of programs belong to a namespace; this is {platform.release()}")
    yield from running_box(tmp_path_factory.mktemp("aarch64"), "aarch64")


@pytest.fixture
def on_sshd(sshd_box: SshdBox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshdBox]:
    """The real box behind "ssh" on PATH. Nothing may be left on it after a test."""
    monkeypatch.setenv("PATH", f"{sshd_box.folder}/client:{os.environ['PATH']}")
    yield sshd_box
    sshd_box.wait_until_clean()


@pytest.fixture(scope="session")
def adbd_device(box_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbdDevice]:
    """Google's adbd for Linux, of this host's machine."""
    require_root()
    require_programs("adb", "cc")
    device = start_adbd(tmp_path_factory.mktemp("adbd"))
    yield device
    device.stop()
    assert running(b"/usr/sbin/adbd") == []
    shutil.rmtree(device.cache)


@pytest.fixture
def on_adbd(adbd_device: AdbdDevice, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdbdDevice]:
    """The same device behind "adb" on PATH. Nothing may be left on it after a test."""
    monkeypatch.setenv("PATH", f"{adbd_device.folder}/client:{os.environ['PATH']}")
    yield adbd_device
    adbd_device.wait_until_clean()
