"""Things that commands need and not every machine has.

To add something, add a row to `NEEDS` with a function that gives the reason why it is not there, or None.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec

from edgesr.benchmarks.devices.registry import set_ups
from edgesr.runtimes.errors import MissingPackageError
from tests.helpers.places import SHARED


def missing(text: str) -> str | None:
    """Why a command cannot be run here; None where it can."""
    reasons = (reason() for pattern, reason in NEEDS if re.search(pattern, text))
    return next((reason for reason in reasons if reason), None)


@cache
def _set_up(name: str) -> str | None:
    try:
        set_ups()[name].require()
    except MissingPackageError as error:
        return str(error)
    return None


def _published_weights() -> str | None:
    return None if (SHARED / "weights").is_dir() else "needs srrescgan_x4.pth in shared/weights next to the checkout"


def _program(name: str) -> str | None:
    return None if shutil.which(name) else f"needs the program {name}"


def _namespaces() -> str | None:
    return None if os.geteuid() == 0 else "needs root: the device that stands in has processes and mounts of its own"


def _ray() -> str | None:
    return _namespaces() or (None if find_spec("ray") else "needs ray: pip install 'edgesr[ray]'")


def _peer(name: str) -> str | None:
    return _namespaces() or _program(name) or _set_up("box-x86_64")


def _xnnpack() -> str | None:
    import onnxruntime

    found = "XnnpackExecutionProvider" in onnxruntime.get_available_providers()
    return None if found else "needs a build of ONNX Runtime with XNNPACK"


NEEDS: tuple[tuple[str, Callable[[], str | None]], ...] = (
    (r"\bsrrescgan_x4\.pth\b|\bpublished\b", _published_weights),
    (r"\barm64:|x86-64:|setup arm64\b", partial(_set_up, "arm64")),
    (r"setup box-aarch64\b", partial(_set_up, "box-aarch64")),
    (r"--device \S*browser\b|\bedgesr web\b|setup browser\b", partial(_set_up, "browser")),
    (r"\bssh:", partial(_peer, "/usr/sbin/sshd")),
    (r"\badb:", partial(_peer, "adb")),
    (r"--ray\b", _ray),
    (r"--provider xnnpack\b", _xnnpack),
    (r"\| jq\b", partial(_program, "jq")),
)
"""Patterns of commands as they are run."""
