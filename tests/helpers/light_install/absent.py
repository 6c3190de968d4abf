"""`pytest --light`: tests that need a package of the full install are left out, each with that package as its reason.

Without the option nothing is left out, so that a package that is missing from a full install stays an error.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Generator, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from edgesr.runtimes.adapters.registry import RUNTIMES
from tests.helpers.light_install.needs_full import NEEDS_FULL

PACKAGES = (
    "atheris",
    "coremltools",
    "executorch",
    "litert_quantizer",
    "matplotlib",
    "MNN",
    "ncnn",
    "onnx2tf",
    "onnxscript",
    "onnxsim",
    "openvino",
    "playwright",
    "pnnx",
    "ray",
    "safetensors",
    "spandrel",
    "stlpips_pytorch",
    "tensorflow",
    "torch",
    "_tools",  # of MNN's converter
)
"""What the full install has and the light one lacks, by the names that are imported."""

_SAYS_MISSING = re.compile(
    r"No module named '(\w+)'|not installed \(([^)]*)\)|runtime '(\w+)' \([^)]*\) is not installed"
    r"|no artifact '(\w+)-|opens in runtime '(\w+)'"
)
"""How Python and edgesr say what is missing: a package, a runtime, or a file for a runtime."""


class LightInstall:
    """The plugin that pytest has with `--light`."""

    def __init__(self) -> None:
        self._finder = _SkippingFinder()

    def pytest_sessionstart(self) -> None:
        sys.meta_path.append(self._finder)

    def pytest_sessionfinish(self) -> None:
        sys.meta_path.remove(self._finder)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        return (yield from _without_absent_packages())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        return (yield from _without_absent_packages())

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests of runtimes that are not installed, and those of the list."""
        for item in items:
            if lacking := NEEDS_FULL.get(item.nodeid.partition("[")[0]):
                item.add_marker(pytest.mark.skip(reason=_reason(lacking)))
            for runtime in _runtimes_of(item):
                if runtime in _absent_runtimes():
                    item.add_marker(pytest.mark.skip(reason=_reason(runtime)))


def missing_packages(text: str, lacking: Collection[str]) -> list[str]:
    """The packages and runtimes, of those given, that a text says are missing."""
    said = " ".join(part for found in _SAYS_MISSING.findall(text) for part in found)
    return [name for name in re.findall(r"\w+", said) if name in lacking]


def _without_absent_packages() -> Generator[None, object, object]:
    """Skip where an error says that a package of the full install, or a file for its runtime, is missing."""
    try:
        return (yield)
    except Exception as error:
        missing = missing_packages(str(error), (*PACKAGES, *_absent_runtimes()))
        if not missing:
            raise
        pytest.skip(_reason(missing[0]))


def _absent_runtimes() -> list[str]:
    """The packages and runtimes of this system that are not installed."""
    return [name for name, info in RUNTIMES.items() if info.why_not_here is None and info.version() is None]


class _SkippingFinder:
    """The last finder of all: what reaches it is not installed, and a test that imports it is skipped."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, inside = name.partition(".")
        if package in PACKAGES and not inside:
            pytest.skip(_reason(package), allow_module_level=True)
        return None


def _runtimes_of(item: pytest.Item) -> Iterator[str]:
    """The names of runtimes among the parameters of a test."""
    callspec = getattr(item, "callspec", None)
    for value in () if callspec is None else callspec.params.values():
        if isinstance(value, str) and value in RUNTIMES:
            yield value


def _reason(name: str) -> str:
    return f"needs {name}, which the light install lacks"
