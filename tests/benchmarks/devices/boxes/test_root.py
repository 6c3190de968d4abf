"""The root for boxes: how it is made and packed, when it is refused, what a box tells of itself."""

from __future__ import annotations

import dataclasses
import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgesr.benchmarks.devices.boxes.facts import Core, parse_facts
from edgesr.benchmarks.devices.boxes.root import setup
from edgesr.benchmarks.devices.boxes.root.architecture import ARCHITECTURES, Architecture, architecture
from edgesr.benchmarks.devices.boxes.root.layers import RECORD_FILE, Root, installed_root
from edgesr.benchmarks.devices.boxes.root.packing import pack_tree
from edgesr.benchmarks.devices.boxes.root.recipe import package_names
from edgesr.benchmarks.devices.packages.wheels import WheelList
from edgesr.benchmarks.devices.registry import set_ups
from edgesr.runtimes.errors import EdgesrError, InputError, MissingPackageError
from edgesr.runtimes.json_records import to_json
from tests.helpers.places import ROOT

if TYPE_CHECKING:
    from tests.helpers.arm64.fixtures import FakeArchive

pytest_plugins = ("tests.helpers.arm64.fixtures",)

AARCH64 = architecture("aarch64")


@pytest.fixture
def root(fake_archive: FakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    """An aarch64 root of the fake archive's few bytes."""
    return setup.set_up(small(fake_archive), folder=tmp_path / "root")


def small(archive: FakeArchive) -> Architecture:
    """An aarch64 whose lists have one wheel, and one package that is a source archive."""
    sources = WheelList(archive.sources, "aarch64", sources=("pyvips",))
    return dataclasses.replace(AARCH64, wheels=WheelList(archive.requirements, "aarch64"), image_wheels=sources)


def test_wheels_of_all_machines_are_those_of_the_constraints() -> None:
    constraints = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if "==" in line)
    for one in ARCHITECTURES.values():
        pins = one.pins
        assert set(pins) == set(AARCH64.pins)
        assert {name: version for name, (version, _) in pins.items()} == {name: constraints[name] for name in pins}
    assert {f"box-{name}" for name in ARCHITECTURES} <= set(set_ups())


def test_set_up_packs_a_layer_a_package(root: Root, fake_archive: FakeArchive) -> None:
    assert sorted(fake_archive.fetched()) == sorted([*package_names(AARCH64), "pip", "pip"])
    assert [layer.name for layer in root.record.layers] == ["base", "numpy", "pyvips"]
    assert root.record.wheels == {"numpy": "2.0", "pyvips": "3.0"}
    assert {one.name for one in root.folder.iterdir()} == {
        "root.json",
        *(f"{x}.tar.gz" for x in ("base", "numpy", "pyvips")),
    }
    with tarfile.open(root.archive(root.record.layers[1])) as numpy:
        assert numpy.getnames() == ["numpy/__init__.py"]
    with tarfile.open(root.archive(root.record.layers[2])) as pyvips:
        assert pyvips.getnames() == ["pyvips/__init__.py", "pyvips.egg-info/PKG-INFO"]
    again = setup.set_up(small(fake_archive), folder=root.folder)
    assert (again, fake_archive.fetched()) == (root, [])


def remove_layer(root: Root) -> None:
    (root.folder / "numpy.tar.gz").unlink()


def cut_layer(root: Root) -> None:
    (root.folder / "numpy.tar.gz").write_bytes(b"short")


def damage_record(root: Root) -> None:
    (root.folder / RECORD_FILE).write_text("{}")


def change_recipe(root: Root) -> None:
    (root.folder / RECORD_FILE).write_text(to_json(dataclasses.replace(root.record, recipe_sha256="0" * 64)))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (remove_layer, "incomplete or changed"),
        (cut_layer, "incomplete or changed"),
        (damage_record, "is damaged"),
        (change_recipe, "of another version of edgesr"),
    ],
)
def test_a_damaged_root_is_refused_and_made_anew(
    damage: Callable[[Root], None], why: str, root: Root, fake_archive: FakeArchive
) -> None:
    damage(root)
    with pytest.raises(MissingPackageError, match=f"{why}.*: edgesr devices setup box-aarch64"):
        installed_root(small(fake_archive), root.folder)
    assert setup.set_up(small(fake_archive), folder=root.folder).record == root.record


def test_a_layer_that_was_changed_is_not_sent(root: Root) -> None:
    layer = root.record.layers[0]
    content = (root.folder / layer.archive).read_bytes()
    (root.folder / layer.archive).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=r"base.tar.gz: is missing or was changed; remove .* and set it up again"):
        root.archive(layer)


def test_archives_are_the_same_each_time_and_stay_inside(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/libc.so.6").write_bytes(b"library")
    (tree / "usr/lib/ld.so").write_bytes(b"loader")
    (tree / "usr/lib/ld.so").chmod(0o755)
    os.link(tree / "usr/lib/libc.so.6", tree / "usr/lib/twin")
    (tree / "lib64").symlink_to("/usr/lib")
    (tree / "usr/lib/libc.so").symlink_to("libc.so.6")
    pack_tree(tree, tmp_path / "one.tar.gz")
    os.utime(tree / "usr/lib/libc.so.6", (1, 1))
    pack_tree(tree, tmp_path / "two.tar.gz")
    packed = (tmp_path / "one.tar.gz").read_bytes()
    assert packed == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as opened:
        entries = {one.name: (one.type, one.linkname, one.mode, one.uid, one.mtime > 0) for one in opened}
    plain, link = tarfile.REGTYPE, tarfile.SYMTYPE
    assert entries == {
        "lib64": (link, "usr/lib", 0o644, 0, True),
        "usr/lib/ld.so": (plain, "", 0o755, 0, True),
        "usr/lib/libc.so": (link, "libc.so.6", 0o644, 0, True),
        "usr/lib/libc.so.6": (plain, "", 0o644, 0, True),
        "usr/lib/twin": (plain, "", 0o644, 0, True),
    }
    (tree / "out").symlink_to("../../etc/passwd")
    with pytest.raises(InputError, match=r"leads out of the root, to \.\./\.\./etc/passwd"):
        pack_tree(tree, tmp_path / "three.tar.gz")


PI = b"""machine=aarch64
system=Linux 6.6.31-v8+
user=pi
folder=/home/pi/.cache/edgesr-box
page_bytes=16384
model=
model=Raspberry Pi 5 Model B Rev 1.0
cpuinfo=Features\t: fp asimd fphp asimdhp asimddp
core=0 - -
core=1 - -
core=0 512 1800000
core=1 1024 2400000
free_kib=1000000
executes=yes
program=tar
program=gzip
has=base-00000000000000000000000000000000
has=../../evil
end=
"""


def test_what_a_box_tells() -> None:
    facts = parse_facts(PI)
    assert (facts.machine, facts.model, facts.cpu) == ("aarch64", "Raspberry Pi 5 Model B Rev 1.0", facts.model)
    assert facts.cores == (Core(number=0, capacity=512, mhz=1800.0), Core(number=1, capacity=1024, mhz=2400.0))
    assert (facts.big_cores, facts.page_bytes, facts.free_bytes) == ((1,), 16384, 1_024_000_000)
    assert "asimdhp" in facts.features and facts.folders == {"base-" + "0" * 32}
    assert facts.executes and facts.programs == {"tar", "gzip"}


def test_what_a_box_tells_is_not_believed() -> None:
    for answer in (b"", b"machine=x86_64\n", b"end=\n" * 6000, PI.replace(b"end=", b"end=1")):
        with pytest.raises(EdgesrError, match="cut short, or from another program"):
            parse_facts(answer)
    facts = parse_facts(b"machine=\x1b[2Jx\nfree_kib=lots\ncore=a b c\nmodel=" + b"x" * 5000 + b"\n\xff\xfe\nend=\n")
    assert facts.machine == "\\x1b[2Jx" and facts.free_bytes is None and facts.cores == ()
    assert facts.model is not None and len(facts.model) == 200
    assert not facts.executes and facts.folders == frozenset()
