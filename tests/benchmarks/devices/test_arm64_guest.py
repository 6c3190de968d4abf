"""The arm64 guest: its CPUs, how a process starts in it, what that process sees."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.arm64 import guest as guest_module
from edgesr.benchmarks.devices.arm64.cpus import CPUS, cpu, write_system_files
from edgesr.benchmarks.devices.arm64.guest import RECORD_FILE, Guest, installed_guest
from edgesr.benchmarks.devices.arm64.recipe import wheel_pins
from edgesr.benchmarks.devices.arm64.setup import set_up
from edgesr.benchmarks.devices.packages.trees import measured_tree
from edgesr.benchmarks.jobs import Job, Outcome
from edgesr.benchmarks.machine.environment import parse_x86_features
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_records import decode, to_json
from tests.helpers.places import ROOT

if TYPE_CHECKING:
    from tests.helpers.arm64.fixtures import FakeArchive

pytest_plugins = ("tests.helpers.arm64.fixtures",)

HWCAP_BITS = (
    *("fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid"),
    *("asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512", "sve", "asimdfhm"),
)
"""Names of the bits of AT_HWCAP from bit 0, as in Linux's arch/arm64/include/uapi/asm/hwcap.h."""

LOOK_AROUND = """
import ctypes, importlib.util, json, mmap, sys
from pathlib import Path
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("000038d5 c0035fd6"))  # mrs x0, midr_el1; ret
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
auxiliary = ctypes.CDLL(None).getauxval
auxiliary.restype = ctypes.c_ulong
modules = ("MNN", "ncnn", "numpy", "onnxruntime", "openvino", "ai_edge_litert", "PIL", "torch", "typer", "pytest")
print(json.dumps({
    "hwcap": auxiliary(16),
    "midr": ctypes.CFUNCTYPE(ctypes.c_ulong)(address)(),
    "found": [name for name in modules if importlib.util.find_spec(name)],
    "path": sys.path,
    "cpuinfo": Path("/proc/cpuinfo").read_text(),
    "host_file": Path(sys.argv[1]).read_text(),
}))
"""


def test_cpus_are_those_of_the_real_cores() -> None:
    midrs = {"cortex-a53": 0x410FD034, "cortex-a72": 0x410FD083, "cortex-a76": 0x414FD0B1, "neoverse-n1": 0x414FD0C1}
    assert {one.name: one.midr for one in CPUS.values()} == midrs
    assert {one.name for one in CPUS.values() if "asimddp" in one.features} == {"cortex-a76", "neoverse-n1"}
    assert {"fphp", "asimdhp", "atomics"} <= set(cpu("cortex-a76").features) - set(cpu("cortex-a53").features)
    assert all(set(one.features) <= set(HWCAP_BITS) for one in CPUS.values())


@pytest.mark.parametrize(("name", "why"), [("max", "wrong int8 results"), ("cortex-m4", "unknown")])
def test_other_cpus_are_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        cpu(name)
    assert all(known in str(refused.value) for known in CPUS)


def test_system_files_describe_one_core(tmp_path: Path) -> None:
    write_system_files(cpu("cortex-a53"), tmp_path)
    cpuinfo = (tmp_path / "proc/cpuinfo").read_text()
    assert parse_x86_features(cpuinfo) is None
    assert re.findall(r"^(?:CPU part|Features)\t: (.*)$", cpuinfo, re.MULTILINE) == [
        "fp asimd aes pmull sha1 sha2 crc32 cpuid",
        "0xd03",
    ]
    core = tmp_path / "sys/devices/system/cpu/cpu0"
    assert (core / "regs/identification/midr_el1").read_text() == "0x00000000410fd034\n"
    assert (core / "cpufreq/cpuinfo_max_freq").read_text() == "1400000\n"
    assert (core / "topology/core_siblings_list").read_text() == (core.parent / "possible").read_text() == "0\n"


def test_wheels_are_those_of_the_constraints() -> None:
    constraints = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
    pins = wheel_pins()
    assert set(pins) == {"mnn", "ai-edge-litert", "ncnn", "numpy", "onnxruntime", "openvino", "pillow"}
    assert {name: version for name, (version, _) in pins.items()} == {name: constraints[name] for name in pins}


def test_command_passes_only_its_own_environment(
    fake_archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/host")
    monkeypatch.setattr(guest_module, "_same_addresses", lambda: ("setarch", "-R"))
    guest = set_up(folder=tmp_path / "arm64")
    plugin = tmp_path / "a,b.so"
    command = guest.command(
        cpu("cortex-a76"),
        python_path=tmp_path / "code",
        plugin=plugin,
        plugin_arguments={"out": "c,d"},
        environment={"OMP_NUM_THREADS": "2", "PYTHONPATH": "ignored"},
    )
    assert command.arguments[:3] == ["setarch", "-R", str(guest.emulator)]
    root = str(guest.folder / "cpus/cortex-a76")
    assert command.arguments[3:9] == ["-L", root, "-cpu", "cortex-a76", "-seed", "1"]
    assert f"file={tmp_path}/a,,b.so,out=c,,d" in command.arguments
    assert command.arguments[-4:] == [str(guest.python), "-S", "-s", "-P"]
    assert command.environment["PYTHONPATH"] == f"{guest.site_packages}:{tmp_path}/code"
    assert command.environment["OMP_NUM_THREADS"] == "2"
    assert "-plugin" not in guest.command(cpu("cortex-a53"), python_path=tmp_path).arguments


def run_in_guest(guest: Guest, cpu_name: str, code: Path, *arguments: object) -> str:
    command = guest.command(cpu(cpu_name), python_path=code)
    done = subprocess.run(
        [*command.arguments, *map(str, arguments)], env=command.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", CPUS)
def test_guest_is_the_cpu_that_its_files_describe(arm64_guest: Guest, name: str, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("of the host")
    seen = json.loads(run_in_guest(arm64_guest, name, tmp_path, "-c", LOOK_AROUND, tmp_path / "note"))
    features = tuple(bit for index, bit in enumerate(HWCAP_BITS) if seen["hwcap"] >> index & 1)
    assert features == CPUS[name].features and seen["hwcap"] < 1 << len(HWCAP_BITS)
    assert seen["midr"] == CPUS[name].midr
    assert seen["cpuinfo"] == CPUS[name].cpuinfo
    assert seen["host_file"] == "of the host"
    assert seen["found"] == ["MNN", "ncnn", "numpy", "onnxruntime", "openvino", "ai_edge_litert", "PIL"]
    assert all(Path(one).is_relative_to(arm64_guest.folder) or one == str(tmp_path) for one in seen["path"])


@pytest.mark.slow
def test_worker_runs_in_the_guest(arm64_guest: Guest, guest_code: Path, tmp_path: Path) -> None:
    job = Job(kind="parity", bundle=str(tmp_path / "absent"), artifact="onnx-fp32-tile", runtime="ort", threads=1)
    (tmp_path / "job.json").write_text(to_json(job))
    arguments = ("-m", "edgesr.benchmarks.worker", tmp_path / "job.json", tmp_path / "result.json")
    run_in_guest(arm64_guest, "cortex-a53", guest_code, *arguments)
    outcome = decode(Outcome, json.loads((tmp_path / "result.json").read_text()))
    assert outcome.status == "error" and "absent" in str(outcome.reason)


@pytest.mark.slow
def test_real_guest_is_whole_and_small(arm64_guest: Guest) -> None:
    record = arm64_guest.record
    assert measured_tree(arm64_guest.folder, without=RECORD_FILE) == (record.size_bytes, record.sha256)
    assert record.wheels == {name: version for name, (version, _) in wheel_pins().items()}
    assert record.size_bytes < 400e6
    assert installed_guest(arm64_guest.folder) == arm64_guest
