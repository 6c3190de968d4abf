"""Files of a bundle are read for their hash once, and again after any change of them."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgesr.benchmarks.parity.check import check_parity
from edgesr.runtimes.bundle import verification
from edgesr.runtimes.bundle.manifest import InsideVariant
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.bundle.writing import write_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.runtimes.json_records import DecodeError
from tests.helpers.small_bundle import fill


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of times that each file was read for its hash, by name."""
    count: Counter[str] = Counter()

    def counted(path: Path) -> str:
        count[path.name] += 1
        return sha256_of(path)

    monkeypatch.setattr(verification, "sha256_of", counted)
    return count


def test_every_file_once_when_it_is_opened_and_never_again(mobile_bundle: Bundle, hashed: Counter[str]) -> None:
    bundle = open_bundle(mobile_bundle.root)
    assert hashed.total() == len(bundle.manifest.files()) > 10
    check_parity(bundle, bundle.artifact("onnx-fp32-tile"), runtime="ort", threads=1)
    assert hashed.total() == len(bundle.manifest.files())


def test_what_is_used_once_where_that_was_asked_for(mobile_bundle: Bundle, hashed: Counter[str]) -> None:
    bundle = open_bundle(mobile_bundle.root, verify="used")
    assert hashed.total() == 0
    check_parity(bundle, bundle.artifact("onnx-fp32-tile"), runtime="ort", threads=1)
    assert set(hashed.values()) == {1}
    assert "onnx-fp32-tile.onnx" in hashed and "onnx-fp32-full.onnx" not in hashed


@pytest.mark.parametrize("restored", [False, True])
def test_a_change_is_noticed_whatever_its_time_says(tmp_path: Path, restored: bool, hashed: Counter[str]) -> None:
    bundle = open_bundle(write_bundle(tmp_path / "b", fill).root)
    entry = bundle.manifest.artifacts[0].file
    file = bundle.path(entry)
    before, status = file.read_bytes(), file.stat()
    file.write_bytes(before if restored else bytes(reversed(before)))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    already = hashed[file.name]
    if restored:
        assert bundle.path(entry) == file
    else:
        with pytest.raises(InputError, match="was changed"):
            bundle.path(entry)
    assert hashed[file.name] == already + 1


def test_links_that_go_round_are_refused(tmp_path: Path) -> None:
    root = write_bundle(tmp_path / "b", fill).root
    file = root / "model.onnx"
    file.unlink()
    file.symlink_to("again.onnx")
    (root / "again.onnx").symlink_to("model.onnx")
    with pytest.raises(InputError, match=r"model\.onnx"):
        open_bundle(root)


@pytest.mark.parametrize(
    "change", [{"graph": "full"}, {"precision": "fp16"}, {"halo": 3}, {"inside_only": False}, {"uses": ()}]
)
def test_an_inside_graph_is_the_zero_padded_form_of_its_artifact(tmp_path: Path, change: dict[str, Any]) -> None:
    """Tiles would be wrong otherwise: of another graph, in another precision, cut elsewhere, or with wrong borders."""
    manifest = fill(tmp_path, graph="tile", halo=2, inside=InsideVariant(time_ratio=0.5, artifact="inside"))
    (artifact,) = manifest.artifacts
    inside = replace(artifact, id="inside", inside_only=True, inside=None)
    require_sound(replace(manifest, artifacts=(artifact, inside)))
    with pytest.raises(DecodeError, match="names the artifact 'inside', which is not its zero-padded form"):
        require_sound(replace(manifest, artifacts=(artifact, replace(inside, **change))))
