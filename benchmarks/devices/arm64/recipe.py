"""What an arm64 guest is made of. A guest of another recipe is made anew."""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path

from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.import_closure import import_closure

WHEELS_FILE = Path(str(resources.files("edgesr.benchmarks.devices.arm64") / "wheels.txt"))
"""Pinned wheels with their hashes, as pip reads them."""

PYTHON = "3.11"
"""The guest's Python: Debian 12's, and the one that edgesr needs."""

PLATFORMS = tuple(f"manylinux_2_{minor}_aarch64" for minor in (36, 35, 34, 31, 28, 27, 26, 24, 17))
"""What Debian 12's C library (2.36) can load, newest first."""

EMULATOR_PACKAGES = (
    *("qemu-user", "libcapstone4", "libffi8", "libglib2.0-0", "libgmp10", "libgnutls30", "libhogweed6", "libidn2-0"),
    *("libnettle8", "libnuma1", "libp11-kit0", "libpcre2-8-0", "libtasn1-6", "libunistring2", "liburing2", "zlib1g"),
)
"""Debian's emulator for amd64, with all libraries but those of the C compiler."""

GUEST_PACKAGES = (
    *("libc6", "libgcc-s1", "libstdc++6", "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"),
    *("libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libssl3", "libuuid1", "zlib1g"),
)
"""Debian's Python and C libraries for arm64."""

EMULATORS = ("qemu-aarch64", "qemu-x86_64")
"""The programs of qemu-user that are kept: the second is for an older x86-64 CPU, with the host's own files."""

X86_CPU_FOLDER = "cpus/x86-64-haswell"
"""What that CPU sees as / wherever it has a file."""

X86_CPUINFO = (
    "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 60\n"
    "model name\t: Haswell (qemu-x86_64)\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx fma bmi1 avx2 bmi2\n\n"
)
"""Its /proc/cpuinfo."""

UNUSED = (
    *("emulator/etc", "emulator/usr/share", "base/etc", "base/usr/share"),
    *("base/usr/lib/python3.11/pydoc_data", "base/usr/lib/python3.11/test"),
    *("site-packages/numpy/distutils", "site-packages/numpy/f2py"),
    "site-packages/MNN/tools",
    "site-packages/ncnn/model_zoo",
    *(f"site-packages/onnxruntime/{name}" for name in ("datasets", "quantization", "tools", "transformers")),
)
"""Folders that no inference reads, below the guest's folder."""

CONVERTER = "site-packages/_tools.*.so"
"""That of MNN, which no inference reads either."""


def wheel_pins(file: Path = WHEELS_FILE) -> dict[str, tuple[str, str]]:
    """Distribution -> version and hex SHA-256 of its wheel."""
    found = re.findall(r"^(\S+)==(\S+) \\\n\s+--hash=sha256:([0-9a-f]{64})$", file.read_text(), re.MULTILINE)
    return {name: (version, sha256) for name, version, sha256 in found}


def recipe_sha256() -> str:
    """One hash over the pinned wheels and all modules of this package that the set-up imports."""
    sources = import_closure(f"{__package__}.setup").sources
    own = {name: digest for name, digest in sources.items() if name.startswith(f"{__package__}.")}
    content = {"modules": own, "wheels": sha256_of(WHEELS_FILE)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
