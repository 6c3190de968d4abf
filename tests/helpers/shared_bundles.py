"""The bundles that tests share, and which of them has files of a runtime.

ExecuTorch takes seconds to import, in every process of a command that runs all files of a bundle: its files have
bundles of their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.export.formats.targets import TARGETS
from edgesr.export.options import ExportOptions
from edgesr.export.pipeline import export_bundle
from edgesr.runtimes.bundle.opening import Bundle
from tests.helpers.small_generator import save_projected_generator

_SLOW = "executorch"
QUICK_TARGETS = tuple(name for name in TARGETS if name != _SLOW)
SLOW_TARGETS = ("onnx", _SLOW)
_WITH_SLOW = ("mobile_bundle", "projection_bundle")


def export_mobile(output: Path, cache_dir: Path, targets: tuple[str, ...]) -> Bundle:
    """The embedded srrescycgan-mobile, tiles of 64x64."""
    options = ExportOptions(preset="srrescycgan-mobile", targets=targets, tile_size=(64, 64))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


def export_projection(output: Path, cache_dir: Path, targets: tuple[str, ...]) -> Bundle:
    """A small seeded generator of the published form, tiles of 32x32."""
    checkpoint = save_projected_generator(output.parent)
    options = ExportOptions(checkpoint=checkpoint, targets=targets, tile_size=(32, 32))
    return export_bundle(options, output, cache_dir=cache_dir).bundle


def fixture_for(name: str, request: pytest.FixtureRequest) -> str:
    """The fixture like ``name`` with files of the parameter ``runtime`` of a test, where it has one."""
    callspec = getattr(request.node, "callspec", None)
    runtime = None if callspec is None else callspec.params.get("runtime")
    return f"{_SLOW}_{name}" if runtime == _SLOW and name in _WITH_SLOW else name
