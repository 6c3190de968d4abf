"""The aarch64 root over ssh, in a box whose aarch64 programs qemu executes: nothing is registered on this host."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.boxes.needs import require_programs, require_root
from tests.helpers.boxes.sshd import start_sshd

if TYPE_CHECKING:
    from edgesr.benchmarks.devices.boxes.root.layers import Root

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow


@pytest.fixture
def aarch64_box(
    box_root_aarch64: Root, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    require_root()
    require_programs("/usr/sbin/sshd", "qemu-aarch64-static")
    release = tuple(int(one) for one in platform.release().split("-")[0].split(".")[:2])
    if release < (6, 7):
        pytest.skip(f"needs Linux 6.7, where formats of programs belong to a namespace; this is {platform.release()}")
    box = start_sshd(tmp_path_factory.mktemp("aarch64"), "aarch64")
    monkeypatch.setenv("PATH", f"{box.folder}/client:{os.environ['PATH']}")
    yield
    box.stop()
    shutil.rmtree(box.cache(), ignore_errors=True)


@pytest.mark.usefixtures("aarch64_box")
def test_an_aarch64_box_is_sent_its_own_root(projection_bundle: Bundle) -> None:
    with opened_devices("ssh:pi") as (device,):
        assert isinstance(device, BoxDevice)
        assert (device.facts.machine, device.software.packages["onnxruntime"]) == ("aarch64", "1.32.0")
        job = PARITY.job(ImageFolders(), bundle=projection_bundle, artifact="onnx-fp32-tile", runtime="ort")
        outcome, parity = PARITY.answer(device.run(job))
        assert outcome.status == "done" and parity is not None, outcome.reason
        assert [one.failures for one in parity.goldens] == [()] * len(parity.goldens)
