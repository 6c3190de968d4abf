"""Counting instructions of the arm64 guest: which encodings count as what, the plugin, regions in a real guest."""

from __future__ import annotations

import ctypes
import dataclasses
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.arm64 import counter
from edgesr.benchmarks.devices.arm64.counter import SOURCES, Counts, compiled_plugin, mark, read_counts, region
from edgesr.benchmarks.devices.arm64.cpus import cpu
from edgesr.benchmarks.devices.arm64.guest import Guest
from edgesr.runtimes.errors import InputError, MissingPackageError
from tests.helpers.arm64.encodings import ENCODINGS
from tests.helpers.places import ROOT

pytest_plugins = ("tests.helpers.arm64.fixtures",)

KINDS = ("simd", "load_store", "branch", "dot_product", "int8_matmul", "fmla", "sve")

CALLS = 1000
EXECUTE = """
import ctypes, mmap, sys
from edgesr.benchmarks.devices.arm64.counter import region
words = [0x4E829420, 0x4FBFE820, 0x4E22CC20, 0xD65F03C0]  # sdot, sdot by element, fmla, ret
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(b"".join(word.to_bytes(4, "little") for word in words))
call = ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
call()
for tag, calls in ((7, 0), (8, int(sys.argv[1]))):
    with region(tag):
        for _ in range(calls):
            call()
"""


@pytest.fixture(scope="session")
def kinds_of(c_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], int]:
    """The plugin's classifier, compiled: an instruction word -> a bit for each of KINDS."""
    folder = tmp_path_factory.mktemp("classifier")
    source = "unsigned kinds_of(uint32_t word) { return instruction_kinds(word); }"
    (folder / "classifier.c").write_text(f'#include "{SOURCES[1]}"\n{source}\n')
    library = folder / "classifier.so"
    subprocess.run([c_compiler, "-shared", "-fPIC", "-o", library, folder / "classifier.c"], check=True)
    function: Callable[[int], int] = ctypes.CDLL(str(library)).kinds_of
    return function


@pytest.mark.parametrize(
    ("kinds", "instruction", "word"),
    [
        pytest.param(kinds, instruction, word, id=instruction)
        for kinds, words in ENCODINGS.items()
        for instruction, word in words.items()
    ],
)
def test_instruction_is_of_its_kinds(
    kinds_of: Callable[[int], int], kinds: tuple[str, ...], instruction: str, word: int
) -> None:
    found = kinds_of(word)
    assert tuple(name for index, name in enumerate(KINDS) if found >> index & 1) == kinds


def test_every_word_is_of_one_main_group(kinds_of: Callable[[int], int]) -> None:
    """Bits 28-25 decide (Arm ARM C4.1); the finer kinds appear only within their main group."""
    simd, load_store, branch, dot_product, int8_matmul, fmla, sve = (1 << index for index in range(len(KINDS)))
    for top in range(2**13):
        for low in (0x9400, 0xE000, 0xF000, 0xCC00, 0x1000, 0xA400):
            found, group = kinds_of(top << 19 | low), top >> 6 & 15
            assert bool(found & simd) == (group & 7 == 7)
            assert bool(found & load_store) == (group & 5 == 4)
            assert bool(found & sve) == (group == 2)
            assert found & branch == 0 or group >> 1 == 5
            assert found & (dot_product | int8_matmul | fmla) == 0 or found & simd


@pytest.mark.usefixtures("c_compiler")
def test_plugin_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = compiled_plugin(tmp_path / "plugins")
    made = plugin.stat().st_mtime_ns
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert compiled_plugin(tmp_path / "plugins") == plugin
    assert plugin.stat().st_mtime_ns == made
    assert [file.name for file in (tmp_path / "plugins").iterdir()] == [plugin.name]


@pytest.mark.usefixtures("c_compiler")
def test_changed_source_is_another_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = compiled_plugin(tmp_path)
    sources = tuple(tmp_path / source.name for source in SOURCES)
    for source, copy in zip(SOURCES, sources, strict=True):
        copy.write_text(source.read_text() + "/* changed */\n")
    monkeypatch.setattr(counter, "SOURCES", sources)
    assert compiled_plugin(tmp_path) != plugin


def test_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackageError, match=r"C compiler \(cc, gcc, clang\).*: apt install gcc"):
        compiled_plugin(tmp_path / "plugins")


def test_compiler_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/clang").write_text("#!/bin/sh\necho 'x.c:1: fatal error: stdint.h: not found' >&2; exit 1\n")
    (tmp_path / "bin/clang").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(InputError, match=r"cannot be compiled with .*/clang: x\.c:1: fatal error: stdint\.h"):
        compiled_plugin(tmp_path / "plugins")
    assert list((tmp_path / "plugins").iterdir()) == []


@pytest.mark.usefixtures("c_compiler")
def test_compiling_twice_at_once(tmp_path: Path) -> None:
    plugins: list[Path] = []
    threads = [threading.Thread(target=lambda: plugins.append(compiled_plugin(tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(plugins) == 2 and list(tmp_path.iterdir()) == [plugins[0]]


def test_counts_are_read_in_order(tmp_path: Path) -> None:
    file = tmp_path / "counts"
    names = ("region", *KINDS, "total")
    values = [dict(zip(names, range(start, start + 9), strict=True)) for start in (5, 2)]
    file.write_text("".join(f"{one}\n".replace("'", '"') for one in values))
    assert read_counts(file) == tuple(Counts(**one) for one in values)
    assert {field.name for field in dataclasses.fields(Counts)} == set(names)


@pytest.mark.parametrize("text", [None, ""])
def test_no_regions_are_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "counts").write_text(text)
    with pytest.raises(InputError, match="no instructions were counted"):
        read_counts(tmp_path / "counts")


@pytest.mark.parametrize("text", ["{}", '{"region": 1}', "[1]", '{"region": 1, "tot'])
def test_foreign_counts_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "counts").write_text(text)
    with pytest.raises(InputError, match="not written by the instruction counter"):
        read_counts(tmp_path / "counts")


def test_marks_do_nothing_without_the_plugin() -> None:
    mark(0)
    with region(65535):
        pass
    for tag in (0, 65536):
        with pytest.raises(ValueError, match="1 to 65535"), region(tag):
            pass


def test_marks_need_only_what_the_guest_has() -> None:
    module = "edgesr.benchmarks.devices.arm64.counter"
    code = f"import sys, {module}; print('platformdirs' in sys.modules, 'filelock' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"False"]


def counted(guest: Guest, code: Path, out: Path) -> tuple[Counts, ...]:
    command = guest.command(
        cpu("cortex-a76"), python_path=code, plugin=compiled_plugin(out.parent), plugin_arguments={"out": str(out)}
    )
    subprocess.run([*command.arguments, "-c", EXECUTE, str(CALLS)], env=command.environment, check=True)
    return read_counts(out)


@pytest.mark.slow
@pytest.mark.usefixtures("c_compiler")
def test_guest_counts_what_it_executes(arm64_guest: Guest, guest_code: Path, tmp_path: Path) -> None:
    empty, full = counted(arm64_guest, guest_code, tmp_path / "counts, first")
    assert (empty.region, full.region) == (7, 8)
    assert (full.dot_product, full.fmla, full.int8_matmul, full.sve) == (2 * CALLS, CALLS, 0, 0)
    assert (empty.dot_product, empty.fmla) == (0, 0)
    assert full.simd - empty.simd >= 3 * CALLS
    assert full.total > full.load_store + full.branch + full.simd > 0
    again = counted(arm64_guest, guest_code, tmp_path / "counts, second")
    assert abs(again[1].total - full.total) <= 0.005 * full.total
    assert dataclasses.replace(again[1], total=0, load_store=0, branch=0, simd=0) == dataclasses.replace(
        full, total=0, load_store=0, branch=0, simd=0
    )
