"""An image of Containerfile on a base of Debian packages, without an engine, a registry or a network while it is built.

buildah builds it in a chroot; podman runs it by crun, in a namespace of mounts with a cgroup2 of its own: without one,
crun refuses the hybrid cgroups of some machines.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.boxes.needs import debian_mirror, unavailable
from tests.helpers.places import ROOT

IMAGE, BASE = "localhost/edgesr:test", "localhost/edgesr-base"
EXTRAS = ("onnx", "tflite", "images")

_OWN_CGROUPS = "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"
_OWN_MOUNTS = ("unshare", "-m", "--propagation", "private", "sh", "-c")
_LIMITS = ("--cgroups=disabled", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
_CONFINED = (
    "--network=none",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
)
_STORAGE = '[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n'
_PIP = "[global]\nno-index = true\nfind-links = /wheels\n"


@dataclass(frozen=True)
class Container:
    """A built image, with its storage and all else below ``folder``."""

    folder: Path

    def run(self, work: Path, *words: object, entrypoint: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in a container whose only writable place is ``work``; it is gone afterwards."""
        start = () if entrypoint is None else (f"--entrypoint={entrypoint}",)
        command = ("podman", "run", "--rm", *_LIMITS, *_CONFINED, *start, "-v", f"{work}:/work", IMAGE, *words)
        return _ended(self.folder, *_OWN_MOUNTS, f'{_OWN_CGROUPS}; exec "$@"', "sh", *command)

    def told(self, template: str) -> str:
        """The properties of the image that podman tells."""
        return _done(self.folder, "podman", "image", "inspect", "--format", template, IMAGE).strip()


def require_own_cgroups() -> None:
    """Skip where no namespace of mounts can have a cgroup2 of its own."""
    done = subprocess.run([*_OWN_MOUNTS, _OWN_CGROUPS], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs a cgroup2 in a namespace of mounts: {done.stderr.strip()}")


def build(folder: Path) -> Container:
    """Make base and wheels, and build the image."""
    (folder / "pip.conf").write_text(_PIP)
    (folder / "storage.conf").write_text(_STORAGE.format(driver=_driver(folder), folder=folder))
    _make_wheels(folder / "wheels")
    _import_base(folder)
    mounts = (f"--volume={folder}/wheels:/wheels:ro", f"--volume={folder}/pip.conf:/etc/pip.conf:ro")
    words = ("--isolation=chroot", f"--build-arg=BASE={BASE}", *mounts, "-t", IMAGE, "-f", ROOT / "Containerfile", ROOT)
    _done(folder, "buildah", "bud", "--quiet", *words)
    return Container(folder)


def _driver(folder: Path) -> str:
    """overlay, or vfs where this file system cannot be below an overlay: each layer is then a copy of all files."""
    for name in ("lower", "upper", "work", "merged"):
        (folder / "overlay" / name).mkdir(parents=True)
    options = "lowerdir=lower,upperdir=upper,workdir=work"
    trial = subprocess.run(
        [*_OWN_MOUNTS, f"mount -t overlay -o {options} none merged"], cwd=folder / "overlay", check=False
    )
    return "overlay" if trial.returncode == 0 else "vfs"


def _make_wheels(target: Path) -> None:
    """The wheels of what the image installs, and of what builds edgesr's own: the build has no index."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    optional = project["project"]["optional-dependencies"]
    needed = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    needed += [one for extra in EXTRAS for one in optional[extra]]
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", target, "-c", ROOT / "constraints.txt")
    _done(target.parent, *pip, *needed)


def _import_base(folder: Path) -> None:
    """Debian 12 with Python, as an image."""
    words = ("debootstrap", "--variant=minbase", "--include=python3-venv", "bookworm", folder / "base", debian_mirror())
    made = _ended(folder, *words)
    if made.returncode != 0:
        unavailable(f"debootstrap: Failed to fetch: {(made.stdout + made.stderr)[-500:]}")
    _done(folder, "tar", "-C", folder / "base", "--exclude=./dev", "-cf", folder / "base.tar", ".")
    shutil.rmtree(folder / "base")
    _done(folder, "podman", "import", "--quiet", folder / "base.tar", BASE)
    (folder / "base.tar").unlink()


def _done(folder: Path, *words: object) -> str:
    done = _ended(folder, *words)
    assert done.returncode == 0, f"{words[:3]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def _ended(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    return subprocess.run(
        [str(word) for word in words], env=environment, capture_output=True, text=True, check=False, timeout=600
    )
