"""The aarch64 root over ssh, in a box whose aarch64 programs qemu executes: nothing is registered on this host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.runtimes.bundle.opening import Bundle

if TYPE_CHECKING:
    from tests.helpers.boxes.sshd import SshdBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.slow


def test_an_aarch64_box_is_sent_its_own_root(
    aarch64_box: SshdBox, projection_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{aarch64_box.folder}/client:{os.environ['PATH']}")
    with opened_devices("ssh:pi") as (device,):
        assert isinstance(device, BoxDevice)
        assert (device.facts.machine, device.software.packages["onnxruntime"]) == ("aarch64", "1.32.0")
        job = PARITY.job(ImageFolders(), bundle=projection_bundle, artifact="onnx-fp32-tile", runtime="ort")
        outcome, parity = PARITY.answer(device.run(job))
        assert outcome.status == "done" and parity is not None, outcome.reason
        assert [one.failures for one in parity.goldens] == [()] * len(parity.goldens)
