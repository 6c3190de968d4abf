"""Devices that are checked at the same time still take the images of exact arithmetic from the first one."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from edgesr.benchmarks.devices.device import Device
from edgesr.benchmarks.parity import on_devices
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.benchmarks.parity.results import ParityResult
from edgesr.benchmarks.results.rows import Key, select_artifacts
from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from tests.helpers.made_up_latency import NamedDevice
from tests.helpers.places import RELEASED_BUNDLE

FIRST, SECOND = "onnx-fp32-full", "onnx-fp32-tile"


def checked(monkeypatch: pytest.MonkeyPatch, *, apart: bool, crashes: str = "") -> dict[tuple[str, str], bool]:
    """By device and artifact whether exact images were there for it; the first device dawdles, or dies in one."""
    found: dict[tuple[str, str], bool] = {}

    def check(_: Bundle, device: Device, artifact: Artifact, runtime: str, **given: Any) -> ParityResult:
        images: ImageFolders = given["images"]
        if device.name == "host":
            threading.Event().wait(0.2)
            np.save(f"{images.kept}/0.exact.npy", np.zeros(1))
        found[device.name, artifact.id] = images.exact_from is not None
        key = Key(artifact=artifact.id, runtime=runtime, threads=1, device=device.name)
        died = device.name == "host" and artifact.id == crashes
        return ParityResult(key=key, status="crashed" if died else "done", reason=None, passed=True, parity=None)

    monkeypatch.setattr(on_devices, "check_artifact", check)
    monkeypatch.setattr(on_devices, "computes_apart", lambda *_: apart)
    bundle = open_bundle(RELEASED_BUNDLE)
    devices = [NamedDevice("host", machine="host"), NamedDevice("ssh:a"), NamedDevice("ssh:b")]
    results = on_devices.check_on_devices(bundle, devices, artifacts=select_artifacts(bundle, runtime="ort"))
    order = [(row.key.artifact, row.key.device) for row in results.results]
    assert order == [(name, device.name) for name in (FIRST, SECOND) for device in devices]
    return found


def test_others_wait_for_the_first_device(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(monkeypatch, apart=True)
    assert {device for (device, _), taken in found.items() if taken} == {"ssh:a", "ssh:b"}
    assert sum(found.values()) == 4


def test_what_the_first_device_failed_to_make_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(monkeypatch, apart=True, crashes=FIRST)
    assert {key for key, taken in found.items() if taken} == {("ssh:a", SECOND), ("ssh:b", SECOND)}


def test_nobody_waits_where_there_is_one_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any(checked(monkeypatch, apart=False).values())


def test_an_exception_on_the_first_device_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(_: Bundle, device: Device, *__: Any, **___: Any) -> ParityResult:
        raise ValueError(f"on {device.name}")

    monkeypatch.setattr(on_devices, "check_artifact", check)
    monkeypatch.setattr(on_devices, "computes_apart", lambda *_: True)
    bundle = open_bundle(RELEASED_BUNDLE)
    devices = [NamedDevice("host", machine="host"), NamedDevice("ssh:a")]
    with pytest.raises(ValueError, match="on "):
        on_devices.check_on_devices(bundle, devices, artifacts=select_artifacts(bundle, runtime="ort"))
