"""Jobs on a box behind a fake ssh: what is sent, what runs, what comes back, what is left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgesr.benchmarks.devices.boxes import kinds
from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.boxes.opening import open_box
from edgesr.benchmarks.devices.boxes.ssh import SshTransport
from edgesr.benchmarks.devices.registry import opened_devices
from edgesr.benchmarks.latency.results import LatencyResults
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings
from edgesr.benchmarks.parity.check import PARITY
from edgesr.benchmarks.parity.kept_images import ImageFolders
from edgesr.benchmarks.report.commands import latency_command
from edgesr.benchmarks.report.data import ReportFiles
from edgesr.benchmarks.result_files import read_results
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.boxes.fake_ssh import DEVICE, TARGET, FakeBox
from tests.helpers.cli_refusals import RunCli

pytest_plugins = ("tests.helpers.boxes.fixtures",)


def opened(fake_box: FakeBox) -> BoxDevice:
    return open_box(SshTransport(TARGET))


@pytest.mark.usefixtures("fake_root")
def test_parity_and_latency_stand_beside_the_host(
    fake_box: FakeBox, quantized_bundle: Bundle, run_cli: RunCli, tmp_path: Path
) -> None:
    file = tmp_path / "parity.json"
    chosen = ("--artifact", "onnx-int8-tile", "--runtime", "ort", "--device", DEVICE)
    code, out, error = run_cli("parity", quantized_bundle.root, *chosen, "--json", file)
    assert (code, error) == (0, ""), out
    assert f"{DEVICE}: another machine: " in out
    found = json.loads(file.read_text())
    assert [(one["key"]["device"], one["status"]) for one in found["results"]] == [("host", "done"), (DEVICE, "done")]
    host, box = (one["parity"]["goldens"] for one in found["results"])
    assert [one["exact_psnr_db"] for one in box] == [one["exact_psnr_db"] for one in host]
    assert found["differences"][0]["identical_goldens"] == found["differences"][0]["goldens"] == len(host)
    (device,) = found["devices"]
    assert (device["kind"], device["name"], device["cores"] > 0) == ("remote", DEVICE, True)
    quick = ("--rounds", "1", "--calls", "2", "--seconds", "0")
    code, out, _ = run_cli("bench", quantized_bundle.root, *chosen, *quick, "--json", file)
    assert (code, out.startswith(f"Latency on {DEVICE}, one call at a time")) == (0, True)
    rows = json.loads(file.read_text())["results"]
    assert [(one["key"]["device"], len(one["latency"]["samples_ms"][0])) for one in rows] == [(DEVICE, 2)]
    assert rows[0]["latency"]["state"]["load"] is not None
    again = latency_command(quantized_bundle.root, ReportFiles(latency=file), read_results(LatencyResults, file))
    assert f" --device {DEVICE} " in again
    assert fake_box.leftovers() == []


@pytest.mark.usefixtures("fake_root")
def test_layers_are_sent_once_and_only_what_is_needed(fake_box: FakeBox, mobile_bundle: Bundle) -> None:
    device = opened(fake_box)
    limits = LIMITS.job(LimitsSettings(), threads=1)
    assert device.run(limits).status == "done"
    kept = {one.name.rpartition("-")[0] for one in fake_box.cache.iterdir() if one.is_dir()}
    assert kept == {"base", "numpy", "pillow", "code"}
    job = PARITY.job(ImageFolders(), bundle=mobile_bundle, artifact="onnx-fp32-tile", runtime="ort")
    assert device.run(job).status == "done"
    before = {one.name: one.stat().st_mtime_ns for one in fake_box.cache.iterdir()}
    assert {name.rpartition("-")[0] for name in before} - kept == {"onnxruntime", "bundle", "box"}
    calls = len(fake_box.calls)
    again = opened(fake_box)
    assert again.run(job).status == "done"
    assert len(fake_box.calls) == calls + 2
    assert {one.name: one.stat().st_mtime_ns for one in fake_box.cache.iterdir()} == before
    (bundle,) = fake_box.cache.glob("bundle-*")
    sent = {one.suffix for one in bundle.rglob("*") if one.is_file()}
    assert {".onnx", ".tflite", ".npy", ".json"} <= sent and ".ptl" not in sent


@pytest.mark.usefixtures("fake_root")
def test_a_worker_sees_nothing_of_the_user(fake_box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables are those that the script gives it; files go to its own folder, which is gone afterwards."""
    monkeypatch.setenv("SECRET", "of the user")
    fake_box.behave("SECRET=of-the-box; export SECRET")
    loader = "env >{home}/seen; pwd >>{home}/seen; shift 5; exec {rest}"
    device = opened(fake_box)
    job = LIMITS.job(LimitsSettings(), threads=1)
    device.send(device.software.payloads([]))
    (base,) = fake_box.cache.glob("base-*")
    (script,) = base.rglob("ld-linux*")
    rest = script.read_text().splitlines()[-1].removeprefix("exec ")
    script.write_text(f"#!/bin/sh\n{loader.format(home=fake_box.home, rest=rest)}\n")
    assert device.run(job).status == "done"
    *lines, place = (fake_box.home / "seen").read_text().splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    assert seen["HOME"] == seen["TMPDIR"] == place and not Path(place).exists()
    assert Path(place).parent == fake_box.cache
    assert seen["ORT_DISABLE_TELEMETRY"] == "1" and seen["OPENBLAS_NUM_THREADS"] == "1"
    assert "SECRET" not in seen
    assert all(Path(one).parent == fake_box.cache for one in seen["PYTHONPATH"].split(":"))


def test_a_python_of_the_box_needs_no_root(fake_box: FakeBox, mobile_bundle: Bundle, run_cli: RunCli) -> None:
    import sys

    chosen = ("--artifact", "onnx-fp32-tile", "--runtime", "ort", "--device", DEVICE)
    code, out, error = run_cli("parity", mobile_bundle.root, *chosen, "--device-python", sys.executable)
    assert (code, error) == (0, "")
    assert "identical" in out
    assert {one.name.rpartition("-")[0] for one in fake_box.cache.iterdir() if one.is_dir()} == {"code", "bundle"}
    for python, why in (
        ("python3", "give an absolute path without blanks"),
        ("/nowhere/python3", "/nowhere/python3 is no Python of 3.11 or later that starts there"),
        (fake_box.folder / "programs/old", "old is Python 3.9.2, a worker needs 3.11 or later"),
    ):
        fake_box.program("old", "echo python 3.9.2; echo end")
        code, _, error = run_cli("parity", mobile_bundle.root, *chosen, "--device-python", python)
        assert (code, why in error, len(error.splitlines())) == (2, True, 1), error
    code, _, error = run_cli("parity", mobile_bundle.root, "--device-python", "/usr/bin/python3")
    assert (code, "'host' names none" in error) == (2, True)


@pytest.mark.usefixtures("fake_root")
def test_a_worker_that_dies_is_an_outcome(fake_box: FakeBox) -> None:
    device = opened(fake_box)
    job = LIMITS.job(LimitsSettings(), threads=1)
    device.send(device.software.payloads([]))
    (base,) = fake_box.cache.glob("base-*")
    (script,) = base.rglob("ld-linux*")
    for shell, status, reason in (
        ("kill -SEGV $$", "crashed", "killed by SIGSEGV"),
        ("kill -ALRM $$", "timeout", "no result after 900 s"),
        ("echo 'ImportError: libgomp.so.1' >&2; exit 1", "crashed", "exit code 1: ImportError: libgomp.so.1"),
        ("exit 0", "crashed", "exit code 0"),
        ("echo '{}' >result.json", "crashed", "invalid result: top level: missing reason, result, status"),
        ("exec head -c 200000 /dev/zero >&2", "crashed", "exit code 0"),
    ):
        script.write_text(f"#!/bin/sh\n{shell}\n")
        outcome = device.run(job)
        assert (outcome.status, outcome.result) == (status, None)
        assert outcome.reason is not None and outcome.reason.startswith(reason), outcome.reason
    assert fake_box.leftovers() == []


@pytest.mark.usefixtures("fake_root")
def test_the_limit_of_time_is_longer_by_what_a_job_is_to_last(fake_box: FakeBox) -> None:
    device = opened(fake_box)
    job = replace(LIMITS.job(LimitsSettings(), threads=1), lasts_seconds=300)
    device.send(device.software.payloads([]))
    (base,) = fake_box.cache.glob("base-*")
    (script,) = base.rglob("ld-linux*")
    for shell, reason in (
        ("kill -ALRM $$", "no result after 1200 s"),
        ('echo "$*" >&2; exit 1', " 1200 job.json result.json"),
    ):
        script.write_text(f"#!/bin/sh\n{shell}\n")
        assert str(device.run(job).reason).endswith(reason)


@pytest.mark.usefixtures("fake_root")
def test_check_tells_and_clean_deletes(fake_box: FakeBox, mobile_bundle: Bundle, run_cli: RunCli) -> None:
    code, out, error = run_cli("devices", "check", DEVICE, mobile_bundle.root)
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert (code, error, lines["machine"]) == (0, "", "x86_64")
    assert lines["onnxruntime"].endswith("to send") and lines["ai-edge-litert"].endswith("sent when it is used")
    assert lines["a worker"].startswith("runs: ")
    assert lines["parity of onnx-fp32-tile"].endswith("dB, ort")
    code, out, _ = run_cli("devices", "check", DEVICE)
    assert (code, "base: 0.0 MB unpacked, is there" in out, "sent now: 0.0 MB" in out) == (0, True, True)
    assert fake_box.cache.is_dir()
    code, out, _ = run_cli("devices", "clean", DEVICE)
    assert (code, f"{DEVICE}: {fake_box.cache} is deleted" in out, fake_box.cache.exists()) == (0, True, False)
    code, _, error = run_cli("devices", "check", "host")
    assert (code, error) == (2, "edgesr: host is no other machine; give one of ssh:[USER@]HOST, adb:SERIAL\n")


def test_what_other_processes_left_is_swept(fake_box: FakeBox, fake_root: Path) -> None:
    """Folders of processes that are gone; not those of living ones, nor of another machine that shares the home."""
    import os

    device = opened(fake_box)
    node = os.uname().nodename
    for name in (f"job.{node}.999999999", f"part.{node}.999999999", f"job.{node}.{os.getpid()}", "job.other.999999999"):
        (fake_box.cache / name).mkdir()
    assert device.run(LIMITS.job(LimitsSettings(), threads=1)).status == "done"
    assert sorted(fake_box.leftovers()) == sorted([f"job.{node}.{os.getpid()}", "job.other.999999999"])


def test_images_of_boxes_are_read_with_care(tmp_path: Path) -> None:
    from edgesr.benchmarks.parity.kept_images import kept_image

    np.save(tmp_path / "0.npy", np.ones((3, 2, 2), dtype=np.float32))
    np.save(tmp_path / "1.npy", np.ones((3, 2, 2)))
    (tmp_path / "2.npy").write_bytes(b"no array")
    huge = (tmp_path / "0.npy").read_bytes().replace(b"(3, 2, 2), }        ", b"(3, 2, 200000000), }")
    (tmp_path / "3.npy").write_bytes(huge)
    assert [kept_image(tmp_path, place) is not None for place in range(5)] == [True, False, False, False, False]


def test_a_device_is_closed_at_the_end(fake_box: FakeBox, fake_root: Path) -> None:
    with opened_devices(DEVICE) as (device,):
        assert isinstance(device, BoxDevice)
        transport = device.box.transport
        assert isinstance(transport, SshTransport)
        (folder,) = {
            word.rpartition("/")[0] for call in fake_box.calls for word in call.split() if "ControlPath" in word
        }
        place = Path(folder.removeprefix("ControlPath="))
        assert place.is_dir()
        (place / "socket").touch()
    assert not place.exists()
    *calls, last = fake_box.calls
    assert last.split()[-4:] == ["-O", "exit", "--", TARGET]
    for call in calls:
        words = call.split()
        assert "-F" not in words and not any(word.startswith("StrictHostKeyChecking") for word in words)
        assert {"BatchMode=yes", "ForwardAgent=no", "ClearAllForwardings=yes"} <= set(words)
        assert words[words.index("--") + 1] == TARGET
    assert len(str(place)) + len("/") + 40 + 17 < 108
    assert kinds.LINUX_BUILDS == "Linux builds on this device"
    with pytest.raises(InputError, match="instructions are counted on emulated devices alone"):
        device.require_counting()
