"""Memory of large tensors kept by the process instead of being mapped anew: TorchScript Lite's layers are faster.

glibc gives a block above its threshold back to the system when it is freed. PyTorch allocates every layer's output
anew, so that each call faults all of its pages in again. Both settings are needed: one alone makes it slower.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_TRIM_THRESHOLD, _MMAP_THRESHOLD = 2**31 - 1, 32 << 20
_PACKAGE = "torch"
_STATM = Path("/proc/self/statm")


def keep_large_blocks_after_torch() -> None:
    """Change this process once it imports torch; at once where it has. For processes of edgesr's own only."""
    if _mallopt() is None:
        return
    if _PACKAGE in sys.modules:
        _keep_large_blocks()
    elif not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def allocator_settings() -> str | None:
    """The allocator settings that edgesr's processes make after they imported torch; None if the C library has no such
    settings.
    """
    if _mallopt() is None:
        return None
    return f"after import of torch: mmap_threshold {_MMAP_THRESHOLD}, trim_threshold {_TRIM_THRESHOLD}"


def give_back_free_memory() -> None:
    """Give what is free in the heap back to the system, where the C library can."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def resident_bytes() -> int:
    """Memory of this process now; 0 where the system has no /proc."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if _STATM.is_file() else 0


@dataclass
class BoundedHeap:
    """A bound on the memory that calls leave free in the heap: blocks do not always fit the next call, and would add
    up.

    It is given back once the process holds ``slack_bytes`` more than after the first call of the largest image, or
    after the call that followed the last time.
    """

    slack_bytes: int
    pixels: int = 0
    limit: int = 0

    def after(self, pixels: int) -> None:
        """Bound the heap after a call on an image of so many pixels."""
        resident = resident_bytes()
        if pixels > self.pixels:
            self.pixels, self.limit = pixels, resident + self.slack_bytes
        elif resident > self.limit:
            give_back_free_memory()
            self.pixels = 0


class _AfterImport(importlib.abc.MetaPathFinder):
    """Finds torch as others do, and changes the allocator once it was executed; a failed import changes nothing."""

    def __init__(self) -> None:
        self._searching = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname != _PACKAGE or self._searching:
            return None
        self._searching = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                _keep_large_blocks()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _keep_large_blocks() -> None:
    mallopt = _mallopt()
    mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD)
    mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)


def _mallopt() -> Any:
    """glibc's function; None on systems that have none."""
    return getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
