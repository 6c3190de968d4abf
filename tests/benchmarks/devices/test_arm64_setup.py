"""Setting up the arm64 guest: with tools that fail, after interruptions, over a damaged guest; listing devices."""

from __future__ import annotations

import dataclasses
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import edgesr.cli.commands.devices
from edgesr.benchmarks.devices.arm64 import setup
from edgesr.benchmarks.devices.arm64.cpus import CPUS
from edgesr.benchmarks.devices.arm64.guest import Guest, installed_guest
from edgesr.benchmarks.devices.arm64.recipe import package_names
from edgesr.benchmarks.devices.arm64.setup import set_up
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.progress import ProgressEvent

if TYPE_CHECKING:
    from tests.helpers.arm64.fixtures import FakeArchive

pytest_plugins = ("tests.helpers.arm64.fixtures",)


def test_set_up_makes_a_whole_guest_once(fake_archive: FakeArchive, tmp_path: Path) -> None:
    events: list[ProgressEvent] = []
    guest = set_up(events.append, folder=tmp_path / "cache/arm64")
    assert installed_guest(guest.folder) == guest == set_up(folder=guest.folder)
    assert sorted(fake_archive.fetched()) == sorted([*package_names(), "pip"])
    assert [(e.done, e.total) for e in events] == [(done, 6) for done in range(7)]
    assert guest.emulator.read_text() == "qemu"
    assert guest.record.qemu == "1:2.0"
    assert guest.record.wheels == {"numpy": "2.0"}
    assert len(guest.record.downloads) == len(package_names()) + 1
    assert {p.name for p in (guest.folder / "emulator/usr/bin").iterdir()} == {"qemu-aarch64", "qemu-x86_64"}
    assert not (guest.site_packages / "numpy/tests").exists()
    for one in CPUS.values():
        assert (guest.root(one) / "lib/ld-linux-aarch64.so.1").read_text() == "loader"
        assert one.title in (guest.root(one) / "proc/cpuinfo").read_text()
    assert {p.name for p in guest.folder.parent.iterdir()} == {"arm64", "arm64.lock"}


def test_interrupted_set_up_keeps_what_it_fetched(fake_archive: FakeArchive, tmp_path: Path) -> None:
    place = tmp_path / "cache/arm64"
    fake_archive.fail("pip")
    with pytest.raises(InputError, match=r"downloading wheels failed \(ERROR: Could not find a version"):
        set_up(folder=place)
    with pytest.raises(MissingPackageError, match="not set up: edgesr devices setup arm64"):
        installed_guest(place)
    kept = sorted((place.parent / "arm64.setup/debs").iterdir())
    assert len(kept) == len(package_names()) == len(fake_archive.fetched())
    kept[0].write_bytes(kept[0].read_bytes()[:5])
    kept[1].write_text("damaged")
    kept[2].unlink()
    (place.parent / "arm64.setup/tree").mkdir()
    (place.parent / "arm64.setup/tree/guest.json").write_text("{}")
    fake_archive.fail("")
    guest = set_up(folder=place)
    assert len(fake_archive.fetched()) == 4
    assert all(guest.record.downloads[file.name] for file in kept[:3])
    assert not (place.parent / "arm64.setup").exists()


def test_guest_that_does_not_work_is_not_installed(
    fake_archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(guest: Guest) -> None:
        raise InputError("killed by SIGSEGV")

    with monkeypatch.context() as patched:
        patched.setattr(setup, "check_guest", refuse)
        with pytest.raises(InputError, match="SIGSEGV"):
            set_up(folder=tmp_path / "arm64")
    assert not (tmp_path / "arm64").exists()
    assert not (tmp_path / "arm64.setup/tree").exists()
    fake_archive.fetched()
    set_up(folder=tmp_path / "arm64")
    assert fake_archive.fetched() == []


def test_two_set_ups_do_not_collide(fake_archive: FakeArchive, tmp_path: Path) -> None:
    guests: list[Guest] = []
    threads = [threading.Thread(target=lambda: guests.append(set_up(folder=tmp_path / "arm64"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(guests) == 2 and guests[0] == guests[1]
    assert len(fake_archive.fetched()) == len(package_names()) + 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut", r"did not arrive as apt's lists describe it"),
        ("network", r"Unable to locate package libgmp10:amd64; W: Failed to fetch .* it needs the network and"),
        ("", r"Unable to locate package libgmp10:amd64\): it needs .* Debian 12 \(bookworm\)"),
    ],
)
def test_packages_that_do_not_come(fake_archive: FakeArchive, tmp_path: Path, fault: str, reason: str) -> None:
    fake_archive.fail(fault)
    if fault != "cut":
        (fake_archive.folder / "libgmp10:amd64.deb").unlink()
    with pytest.raises(InputError, match=reason):
        set_up(folder=tmp_path / "arm64")
    assert not (tmp_path / "arm64").exists()


@pytest.mark.parametrize("program", ["apt-get", "dpkg"])
def test_missing_programs_are_named(fake_archive: FakeArchive, tmp_path: Path, program: str) -> None:
    (tmp_path / "bin" / program).unlink()
    with pytest.raises(MissingPackageError, match=f"needs {program}, which is not installed: run this on Debian 12"):
        set_up(folder=tmp_path / "arm64")


def test_other_machines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="a colon"):
        set_up(folder=tmp_path / "a:b")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(InputError, match=r"needs Linux on x86-64; this is Linux on riscv64"):
        set_up(folder=tmp_path / "arm64")


def damage_record(guest: Guest) -> None:
    record = guest.folder / "guest.json"
    record.write_text(record.read_text()[:40])


def remove_record(guest: Guest) -> None:
    (guest.folder / "guest.json").unlink()


def change_recipe(guest: Guest) -> None:
    record = dataclasses.replace(guest.record, recipe_sha256="0" * 64)
    (guest.folder / "guest.json").write_text(to_json(record))


def change_emulator(guest: Guest) -> None:
    guest.emulator.write_text("QEMU")


def remove_module(guest: Guest) -> None:
    (guest.site_packages / "numpy/__init__.py").unlink()


def remove_link(guest: Guest) -> None:
    (guest.root(CPUS["cortex-a72"]) / "usr").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_record, "is damaged"),
        (remove_record, "is damaged"),
        (change_recipe, "of another version of edgesr"),
        (change_emulator, "incomplete or changed"),
        (remove_module, "incomplete or changed"),
        (remove_link, "incomplete or changed"),
    ],
)
def test_damaged_guest_is_refused_and_made_anew(
    fake_archive: FakeArchive, tmp_path: Path, damage: Callable[[Guest], None], reason: str
) -> None:
    guest = set_up(folder=tmp_path / "arm64")
    damage(guest)
    with pytest.raises(MissingPackageError, match=f"{reason}.*: edgesr devices setup arm64"):
        installed_guest(guest.folder)
    assert set_up(folder=guest.folder) == guest == installed_guest(guest.folder)


def test_devices_are_listed_and_set_up(
    fake_archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    edgesr.cli.commands.devices.devices([], standalone_mode=False)
    before = capsys.readouterr().out
    assert before.count("edgesr devices setup arm64") == len(CPUS) + 2
    assert "no C compiler (cc, gcc, clang) is installed" in before
    edgesr.cli.commands.devices.devices(["setup", "arm64"], standalone_mode=False)
    made = capsys.readouterr().out
    assert str(tmp_path / "cache/edgesr/arm64") in made and "qemu 1:2.0, numpy 2.0" in made
    edgesr.cli.commands.devices.devices([], standalone_mode=False)
    after = capsys.readouterr().out
    assert after.count("ready") == len(CPUS) + 2 and "setup arm64" not in after
    assert all(f"arm64:{name}" in after for name in CPUS)


def test_other_devices_cannot_be_set_up() -> None:
    with pytest.raises(
        InputError, match="device 'riscv' cannot be set up: choose one of arm64, box-x86_64, box-aarch64"
    ):
        edgesr.cli.commands.devices.devices(["setup", "riscv"], standalone_mode=False)
