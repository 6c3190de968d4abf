"""Devices by name, and parity on several of them, with a guest that is this host's own Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.benchmarks.devices.device import environments, on_device
from edgesr.benchmarks.devices.host import HostDevice
from edgesr.benchmarks.devices.parallel import in_order
from edgesr.benchmarks.devices.registry import DEVICE_KINDS, device_names, open_devices
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.parity.check import check_parity
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.benchmarks.parity.on_devices import check_on_devices
from edgesr.benchmarks.results.rows import select_artifacts
from edgesr.benchmarks.tables.devices import difference_table
from edgesr.benchmarks.tables.not_measured import not_measured
from edgesr.benchmarks.tables.parity import difference_causes, golden_table, parity_table
from edgesr.runtimes.adapters.session import open_session
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError, MissingPackageError
from tests.helpers.arm64.host_guest import CRASH, device


@pytest.mark.parametrize("name", device_names())
def test_a_name_is_of_one_kind(name: str) -> None:
    """Its set-up, where it needs one, is one that there is."""
    (kind,) = [kind for kind in DEVICE_KINDS if kind.opens(name)]
    assert kind.titles[name]
    assert kind.needs in (None, *(set_up.command for other in DEVICE_KINDS for set_up in other.set_ups))


def test_devices_are_opened_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert [one.name for one in open_devices(" host,")] == ["host"]
    assert {"host", "arm64:cortex-a53", "arm64:cortex-a76"} <= set(device_names())
    for text, message in (
        ("arm64:max", "wrong int8 results"),
        ("arm64:cortex-x9", "unknown arm64 CPU 'cortex-x9': choose one of cortex-a53"),
        ("phone", "unknown device 'phone': choose from host, arm64:cortex-a53"),
        (",", "give one or more of host"),
        ("host, host", "host is there twice; give each device once"),
    ):
        with pytest.raises(InputError, match=message):
            open_devices(text)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MissingPackageError, match="is not set up: edgesr devices setup arm64"):
        open_devices("host,arm64:cortex-a53")


def test_command_refuses_before_it_measures(
    mobile_bundle: Bundle, run_cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "p.json"
    for arguments, message in (
        (("parity", mobile_bundle.root, "--device", "arm64:max"), "wrong int8 results"),
        (("parity", mobile_bundle.root, "--device", "arm64:cortex-a53"), "edgesr devices setup arm64"),
        (("bench", mobile_bundle.root, "--device", "arm64:cortex-a53"), "edgesr devices setup arm64"),
    ):
        code, out, error = run_cli(*arguments, "--json", file)
        assert (code, out, message in error, file.exists()) == (2, "", True, False)
    monkeypatch.setattr("edgesr.benchmarks.devices.arm64.device.open_arm64", lambda _: device())
    code, _, error = run_cli("bench", mobile_bundle.root, "--device", "arm64:cortex-a76", "--image-size", "90x90")
    assert (code, "the time of emulated devices is not real" in error) == (2, True)
    code, _, error = run_cli("bench", mobile_bundle.root, "--device", "arm64:cortex-a76", "--runtime", "torchscript")
    assert (code, "has no build of what these artifacts need: only ort, tflite" in error) == (2, True)
    assert "torchscript need torch, whose wheel is not installed there" in " ".join(error.split())


def test_a_device_has_its_runtimes_only(mobile_bundle: Bundle) -> None:
    pairs = select_artifacts(mobile_bundle)
    assert {runtime for _, runtime in on_device(HostDevice(), pairs)} == {
        "coreml",
        "mnn",
        "ncnn",
        "openvino",
        "ort",
        "tflite",
        "torchscript",
    }
    assert {runtime for _, runtime in on_device(device(), pairs)} == {"mnn", "ncnn", "openvino", "ort", "tflite"}
    found = environments([HostDevice(), device()])
    assert [(one.name, one.kind, one.packages) for one in found] == [
        ("arm64:cortex-a76", "emulated", {"qemu-user": "7.2", "numpy": "2.3.5"})
    ]
    assert "asimddp" in found[0].cpu
    assert [one.name for one in (HostDevice(), device()) if one.emulated] == ["arm64:cortex-a76"]


def test_equal_devices_are_identical_beside_each_other(mobile_bundle: Bundle) -> None:
    pairs = select_artifacts(mobile_bundle, runtime="ort")
    results = check_on_devices(mobile_bundle, [HostDevice(), device()], artifacts=pairs)
    assert [(r.key.artifact, r.key.device, r.passed) for r in results.results] == [
        (artifact.id, name, True) for artifact, _ in pairs for name in ("host", "arm64:cortex-a76")
    ]
    assert [row[0] for row in golden_table(results).rows[:2]] == [
        "onnx-fp32-full",
        "onnx-fp32-full on arm64:cortex-a76",
    ]
    assert {len(row) for row in parity_table(results).rows} == {11}
    for found in results.differences:
        assert (found.base, found.max_difference, found.identical_goldens) == ("host", 0.0, found.goldens)
        assert found.cause is None
    assert [row[-1] for row in difference_table(results).rows] == ["identical", "identical"]
    assert [one.name for one in results.devices] == ["arm64:cortex-a76"]


@pytest.mark.parametrize(
    ("options", "timeout", "status", "reason"),
    [
        (("-c", CRASH), 60.0, "crashed", "killed by SIGSEGV"),
        (("-c", "import time; time.sleep(30)"), 0.3, "timeout", "no result after 0.3 s"),
        (("-c", "print('no worker')"), 60.0, "crashed", "exit code 0"),
    ],
)
def test_a_dying_guest_is_a_row_and_no_parity_failure(
    mobile_bundle: Bundle, options: tuple[str, ...], timeout: float, status: str, reason: str
) -> None:
    pairs = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    results = check_on_devices(mobile_bundle, [HostDevice(), device(*options, timeout=timeout)], artifacts=pairs)
    assert [(r.status, r.parity is None) for r in results.results] == [("done", False), (status, True)]
    assert not_measured(results) == [f"onnx-fp32-tile on arm64:cortex-a76: {status}: {reason}"]
    assert results.differences == ()
    assert not results.passed


def test_exact_images_come_from_the_first_device(quantized_bundle: Bundle, tmp_path: Path) -> None:
    """Every golden's exact image is replaced by one that is 2 grey levels brighter: that is what is compared with."""
    artifact = quantized_bundle.artifact("onnx-int8-tile")
    kept, other = tmp_path / "kept", tmp_path / "other"
    kept.mkdir()
    other.mkdir()
    first = check_parity(quantized_bundle, artifact, runtime="ort", threads=1, images=ImageFolders(kept=str(kept)))
    for place in range(len(first.goldens)):
        np.save(kept / f"{place}.exact.npy", np.load(kept / f"{place}.npy") + np.float32(2))
    folders = ImageFolders(kept=str(other), exact_from=str(kept))
    second = check_parity(quantized_bundle, artifact, runtime="ort", threads=1, images=folders)
    assert [g.exact_max_difference for g in second.goldens] == pytest.approx([2.0] * len(first.goldens), abs=1e-4)
    assert [g.psnr_db for g in second.goldens] == [g.psnr_db for g in first.goldens]
    assert second.difference_cause is not None
    image = quantized_bundle.tensor(quantized_bundle.manifest.goldens[0].input)
    assert open_session(quantized_bundle, artifact).infer(image).shape[0] == 3
    assert {file.name for file in other.glob("*.npy")} == {file.name for file in kept.glob("*.npy")}


def test_names_of_a_manifest_are_no_paths(mobile_bundle: Bundle, tmp_path: Path) -> None:
    """Images of goldens whose names climb out of the folder stay inside of it."""
    artifact = mobile_bundle.artifact("onnx-fp32-tile")
    kept = tmp_path / "kept"
    kept.mkdir()
    manifest = mobile_bundle.manifest
    goldens = tuple(replace(g, id=f"../../escaped{place}") for place, g in enumerate(manifest.goldens))
    bundle = Bundle(mobile_bundle.root, replace(manifest, goldens=goldens))
    check_parity(bundle, artifact, runtime="ort", threads=1, images=ImageFolders(kept=str(kept)))
    assert {file.name for file in kept.iterdir()} == {f"{place}.npy" for place in range(len(goldens))}
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_other_devices_compute_exactly_themselves_when_the_first_died(quantized_bundle: Bundle) -> None:
    """It died after it had kept one image, which is not to be used."""

    class Dying(HostDevice):
        def run(self, job: Job) -> Outcome:
            np.save(Path(job.settings["kept"]) / "0.exact.npy", np.zeros((3, 8, 8), dtype=np.float32))
            return Outcome(status="crashed", reason="killed by SIGSEGV", result=None)

    pairs = select_artifacts(quantized_bundle, artifact="onnx-int8-tile", runtime="ort")
    results = check_on_devices(quantized_bundle, [Dying(), device()], artifacts=pairs)
    assert [r.status for r in results.results] == ["crashed", "done"]
    assert results.results[1].passed
    assert results.differences == ()


def test_no_job_begins_after_an_exception() -> None:
    begun: list[int] = []

    def job(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise RuntimeError("second")
        if number == 3:
            time.sleep(0.5)
        return number * 10

    found = in_order(job, range(1, 50), workers=1)
    assert next(found) == 10
    with pytest.raises(RuntimeError, match="second"):
        list(found)
    assert begun in ([1, 2], [1, 2, 3])
    assert list(in_order(job, [5, 6, 7], workers=2)) == [50, 60, 70]


def test_causes_say_where_devices_differ(mobile_bundle: Bundle) -> None:
    results = check_on_devices(
        mobile_bundle,
        [HostDevice(), device()],
        artifacts=select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort"),
    )
    parity = results.results[1].parity
    assert parity is not None
    told = replace(results.results[1], parity=replace(parity, difference_cause="rounding"))
    lines = difference_causes(replace(results, results=(results.results[0], told)))
    assert lines == ["onnx-fp32-tile on arm64:cortex-a76 (ort) differs from exact arithmetic by up to -: rounding"]


@pytest.mark.parametrize("image", [np.zeros((3, 8, 8)), np.full((3, 256, 256), np.nan)])
def test_images_that_cannot_be_compared_are_not_finite(mobile_bundle: Bundle, image: NDArray[np.float64]) -> None:
    """A device that keeps an image of another shape, or none of whose pixels is a number."""

    class Odd(HostDevice):
        def run(self, job: Job) -> Outcome:
            outcome = super().run(job)
            np.save(f"{job.settings['kept']}/0.npy", image)
            return outcome

    pairs = select_artifacts(mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    results = check_on_devices(mobile_bundle, [HostDevice(), Odd(name="odd")], artifacts=pairs)
    (found,) = results.differences
    assert (found.max_difference, found.identical_goldens) == (None, found.goldens - 1)
    assert found.golden == results.results[0].parity.goldens[0].golden  # type: ignore[union-attr]
    assert difference_table(results).rows[0][4] == "not finite"
