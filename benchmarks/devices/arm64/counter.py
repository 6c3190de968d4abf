"""Executed instructions of marked regions of a guest process: the plugin that counts, the marks, the counts.

`region` and `mark` run in the guest, the rest on the host.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

from edgesr.benchmarks.devices.process_exit import ended_process
from edgesr.runtimes.errors import InputError, MissingPackageError
from edgesr.runtimes.json_file import parse_json
from edgesr.runtimes.json_records import DecodeError, decode

SOURCES = tuple(
    Path(str(resources.files("edgesr.benchmarks.devices.arm64") / name))
    for name in ("instruction_counter.c", "instruction_kinds.h")
)
"""The plugin: the first is compiled, the others are included by it."""

COMPILERS = ("cc", "gcc", "clang")

COUNTS_VARIABLE = "EDGESR_INSTRUCTION_COUNTS"
"""Environment variable of a guest process: the file that the plugin writes."""

START = 0
"""The mark that starts a region; any other tag, to 65535, ends it."""

_MARK = 0x7EAD0000


@dataclass(frozen=True, kw_only=True)
class ByKind:
    """Instructions, all and by kind; one may be of several kinds.

    ``simd``: floating-point and vector data processing; ``load_store``: of all registers; ``branch``: taken or not;
    ``dot_product``: SDOT, UDOT, USDOT, SUDOT; ``int8_matmul``: SMMLA, UMMLA, USMMLA; ``fmla``: vector FMLA (not FMLS);
    ``sve``: all of SVE.
    """

    total: int
    simd: int
    load_store: int
    branch: int
    dot_product: int
    int8_matmul: int
    fmla: int
    sve: int


KINDS = tuple(field.name for field in fields(ByKind))
"""Total and every kind."""


@dataclass(frozen=True, kw_only=True)
class Counts(ByKind):
    """Executed in one region, exactly for one thread; ``region`` is its tag."""

    region: int


@contextlib.contextmanager
def region(tag: int) -> Iterator[None]:
    """Count the body as region ``tag`` (1 to 65535). Without the plugin this does nothing."""
    if not 0 < tag < 2**16:
        raise ValueError(f"region {tag}: give a tag from 1 to 65535")
    mark(START)
    yield
    mark(tag)


def mark(tag: int) -> None:
    """Start a region (`START`) or end it as region ``tag``: a system call that fails, and that the plugin sees."""
    with contextlib.suppress(ProcessLookupError):
        os.getpgid(_MARK + tag)


def read_counts(file: Path) -> tuple[Counts, ...]:
    """The regions that the plugin wrote, in the order in which they ended; raises an InputError when it wrote none."""
    try:
        lines = file.read_bytes().splitlines()
        counts = tuple(decode(Counts, parse_json(line)) for line in lines)
    except FileNotFoundError:
        counts = ()
    except (DecodeError, ValueError) as error:
        raise InputError(f"{file}: not written by the instruction counter ({error})") from error
    if not counts:
        raise InputError(f"{file}: no instructions were counted; no region was marked or the plugin was not loaded")
    return counts


def compiler() -> str | None:
    """The C compiler on PATH, None without one."""
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def plugin_folder() -> Path:
    """The folder of compiled plugins, next to the guest."""
    from edgesr.benchmarks.devices.arm64.guest import guest_folder

    return guest_folder().with_name("arm64-plugins")


def compiled_plugin(folder: Path | None = None) -> Path:
    """The plugin in ``folder`` (default: `plugin_folder`), compiled unless that was done with the same source.

    Raises a MissingPackageError without a C compiler; raises an InputError when compiling fails.
    """
    content = b"".join(source.read_bytes() for source in SOURCES)
    place = (folder or plugin_folder()) / f"instruction_counter-{hashlib.sha256(content).hexdigest()[:16]}.so"
    if place.is_file():
        return place
    program = compiler()
    if program is None:
        raise MissingPackageError(
            f"counting instructions needs a C compiler ({', '.join(COMPILERS)}) and none is installed: apt install gcc"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as work:
        built = Path(work) / place.name
        _compile(program, built)
        built.replace(place)
    return place


def _compile(program: str, target: Path) -> None:
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden"]
    done = ended_process([program, *options, "-o", target, SOURCES[0]])
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [f"exit code {done.returncode}"]
        raise InputError(f"the instruction counter cannot be compiled with {program}: {lines[0]}")
