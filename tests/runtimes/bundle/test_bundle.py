"""Reading, verifying and writing bundles."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgesr.runtimes import directory_swap
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.bundle.writing import check_output, file_entry, write_bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.small_bundle import fill

INSIDE = {"time_ratio": 0.5, "artifact": "onnx-fp32-full"}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "b", fill)


def edit(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest's JSON."""
    file = bundle.root / "manifest.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def test_round_trip(bundle: Bundle) -> None:
    opened = open_bundle(bundle.root)
    assert opened.manifest == bundle.manifest
    assert opened.tensor(opened.manifest.goldens[0].input).shape == (3, 2, 3)
    assert opened.artifact("onnx-fp32-full").fits((7, 9), "ort")
    with pytest.raises(InputError, match="it has onnx-fp32-full"):
        opened.artifact("nope")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: m.update(schema_version=7),
            "schema version 7 is of a newer edgesr.*: update edgesr",
        ),
        (lambda m: m.update(schema_version=4), r"schema version 4 is not supported.*make it anew with 'edgesr export'"),
        (lambda m: m.pop("schema_version"), "schema version None"),
        (lambda m: m.pop("glue"), "missing glue"),
        (lambda m: m["artifacts"].append(m["artifacts"][0]), "the artifact 'onnx-fp32-full' is there twice"),
        (lambda m: m["goldens"].append(m["goldens"][0]), "the golden 'flat' is there twice"),
        (lambda m: m.update(scale=0), "a scale has to be from 1 to 16"),
        (lambda m: m.update(tile_size=[2, 0]), "have to be from 1 to 65536"),
        (lambda m: m["goldens"][0]["tolerances"]["fp32"].update(min_psnr_db=-1e300), "a tolerance is below 0"),
        (lambda m: m["artifacts"][0].update(tile_size=[4, 2**40]), "tile sizes have to be from 1 to 65536"),
        (lambda m: m["artifacts"][0].update(halo=-1), "a halo has to be from 0"),
        (lambda m: m["artifacts"][0].update(uses=[]), "onnx-fp32-full: has no runtime, or one twice"),
        (lambda m: m["artifacts"][0].update(inputs=[]), "has to have one input and one output"),
        (
            lambda m: m["artifacts"][0]["outputs"][0].update(shape=[1, 3]),
            r"lr: is float32 of \(1, 3\), has to be",
        ),
        (lambda m: m["artifacts"][0].update(inside={"time_ratio": 1, "artifact": "x"}), "the artifact 'x', which is"),
        (
            lambda m: m["artifacts"][0]["uses"][0].update(memory={"fixed_bytes": -1, "bytes_per_lr_pixel": 0}),
            "memory has to be from 0",
        ),
        (lambda m: m["artifacts"][0].update(mac_per_hr_pixel=0), "multiply-accumulates are not above 0"),
        (lambda m: m["artifacts"][0].update(files=[]), "onnx-fp32-full: has no file"),
        (lambda m: m["artifacts"][0].update(graph="tile"), "a tile graph has to have a halo"),
        (
            lambda m: m["artifacts"].append(m["artifacts"][0] | {"id": "other", "inside": INSIDE}),
            "its zero-padded form",
        ),
        (lambda m: m["artifacts"][0]["files"][0].update(path=""), "names a file without a name"),
        (lambda m: m["artifacts"][0]["files"].extend(m["artifacts"][0]["files"]), "has a file twice"),
        (
            lambda m: m["artifacts"][0].update(
                files=[m["artifacts"][0]["files"][0] | {"path": p} for p in ("a/x", "b")]
            ),
            "has files that are neither next to the first one nor below",
        ),
        (lambda m: m["goldens"][0].update(size=[0, 3]), "flat: its size has to be from 1"),
        (lambda m: m["glue"].update(alpha=1e5), "alpha has to be from -80 to 80"),
        (lambda m: m["artifacts"][0].update(id=""), "an id is empty"),
        (lambda m: m["artifacts"][0]["uses"].extend(m["artifacts"][0]["uses"]), "or one twice"),
        (lambda m: m["artifacts"][0].update(inside={"time_ratio": 1, "artifact": "onnx-fp32-full"}), "is not there"),
        (lambda m: m["artifacts"][0]["inputs"][0].update(layout="NHWC"), r"has to be float32 of \(1, None, None, 3\)"),
        (lambda m: m["artifacts"][0]["inputs"][0].update(dtype="int8"), r"lr: is int8 of"),
        (lambda m: m["artifacts"][0]["inputs"][0].update(range=[255, 0]), "does not rise"),
        (lambda m: m["artifacts"][0].update(tile_size=[2, 3]), r"has to be float32 of \(1, 3, 2, 3\)"),
        (lambda m: m.update(artifacts=[]), "has no artifacts"),
        (lambda m: m.update(extra=1), "unknown extra"),
        (lambda m: m.update(scale="4"), "scale: expected int, found str"),
        (lambda m: m["artifacts"][0].update(graph="half"), r"artifacts\[0\].graph: 'half' is not one of full, tile"),
        (lambda m: m["goldens"][0].update(k="1"), r"goldens\[0\].k: expected float, found str"),
        (lambda m: m["goldens"][0].update(size=[1]), r"goldens\[0\].size: expected 2 values, found 1"),
        (
            lambda m: m["artifacts"][0]["files"][0].update(path="../b/model.onnx"),
            "outside the bundle: '../b/model.onnx'",
        ),
        (lambda m: m["artifacts"][0]["files"][0].update(path="/etc/hostname"), "outside the bundle: '/etc/hostname'"),
        (lambda m: m["artifacts"][0]["files"][0].update(path="none.onnx"), "none.onnx is missing"),
        (lambda m: m["artifacts"][0]["files"][0].update(size_bytes=6), "has 5 bytes instead of 6"),
        (lambda m: m["artifacts"][0]["files"][0].update(sha256="0" * 64), "SHA-256"),
    ],
)
def test_wrong_manifest_is_refused(bundle: Bundle, change: Callable[[dict[str, Any]], object], message: str) -> None:
    edit(bundle, change)
    with pytest.raises(InputError, match=message):
        open_bundle(bundle.root)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"halo": -1}, "a halo has to be from 0"), ({"made_by": {"\udcff": "1"}}, "is not UTF-8")],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    write_bundle(tmp_path / "b", fill)
    before = (tmp_path / "b" / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=f"its manifest could not be read again: .*{why}"):
        write_bundle(tmp_path / "b", lambda root: fill(root, **changes))
    assert (tmp_path / "b" / "manifest.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a tensor, or damaged: no .npy file"),
        (b"PK\x03\x04", "not a tensor, or damaged: no .npy file"),
        (b"\x93NUMPY\x01\x00\x76\x00", "not a tensor, or damaged"),
        (np.zeros((3, 2, 3)), r"holds float64 of shape \(3, 2, 3\), the manifest needs float32"),
        (np.full((3, 2, 3), np.inf, dtype=np.float32), "holds NaN or infinities; make it anew"),
        (np.zeros((3, 2, 2), dtype=np.float32), r"holds float32 of shape \(3, 2, 2\), .* float32 of \(3, 2, 3\)"),
    ],
)
def test_a_golden_that_is_no_tensor_of_its_size_is_refused(
    bundle: Bundle, content: bytes | NDArray[np.float32], why: str
) -> None:
    """Although its size and hash are those of the manifest."""
    file = bundle.path(bundle.manifest.goldens[0].input)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    entry = asdict(file_entry(bundle.root, file))
    edit(bundle, lambda m: m["goldens"][0].update(input=entry))
    opened = open_bundle(bundle.root)
    with pytest.raises(InputError, match=why):
        opened.tensor(opened.manifest.goldens[0].input)


def test_link_out_of_the_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """Even to a file of the right content."""
    (bundle.root / "model.onnx").rename(tmp_path / "elsewhere")
    (bundle.root / "model.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="outside the bundle"):
        open_bundle(bundle.root)


def test_change_after_opening_is_noticed_before_loading(bundle: Bundle) -> None:
    opened = open_bundle(bundle.root)
    (bundle.root / "model.onnx").write_bytes(b"mODel")
    with pytest.raises(InputError, match="was changed"):
        opened.path(opened.manifest.artifacts[0].file)


def test_pickle_in_a_golden_is_not_loaded(tmp_path: Path) -> None:
    import numpy as np

    def evil(root: Path) -> Any:
        manifest = fill(root)
        np.save(root / "input.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
        from dataclasses import replace

        golden = replace(manifest.goldens[0], input=file_entry(root, root / "input.npy"))
        return replace(manifest, goldens=(golden,))

    bundle = write_bundle(tmp_path / "evil", evil)
    with pytest.raises(InputError, match=r"input\.npy: not a tensor, or damaged: .*allow_pickle=False"):
        bundle.tensor(bundle.manifest.goldens[0].input)


@pytest.mark.parametrize("exchange", [True, False])
def test_new_bundle_replaces_the_old_one(
    bundle: Bundle, tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With renameat2 and, where a file system lacks it, with two renames."""
    if not exchange:
        monkeypatch.setattr(directory_swap, "_exchange", lambda _first, _second: False)
    write_bundle(bundle.root, lambda root: fill(root, b"newer"))
    assert (open_bundle(bundle.root).root / "model.onnx").read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["b"]  # noqa: PTH208


def test_killed_between_two_renames_is_recovered(bundle: Bundle, tmp_path: Path) -> None:
    bundle.root.rename(tmp_path / ".b.previous")
    assert open_bundle(bundle.root).manifest == bundle.manifest
    assert not (tmp_path / ".b.previous").exists()


def test_failure_while_filling_keeps_the_old_bundle(bundle: Bundle, tmp_path: Path) -> None:
    def fail(root: Path) -> Any:
        fill(root)
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_bundle(bundle.root, fail)
    assert open_bundle(bundle.root).manifest == bundle.manifest
    assert [p.name for p in tmp_path.iterdir()] == ["b"]


def test_leftovers_of_killed_runs_are_removed(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / ".b.partial-x").mkdir()
    (tmp_path / ".b.partial-x" / "half").touch()
    (tmp_path / ".c.partial-x").mkdir()
    write_bundle(bundle.root, fill)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".c.partial-x", "b"]


def test_refused_outputs(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(bundle.root)
    for name in ("other", "file", "link", "file/below"):
        with pytest.raises(InputError, match=name):
            check_output(tmp_path / name)
    check_output(bundle.root)
    check_output(tmp_path / "new" / "deeper")
    assert not (tmp_path / "new").exists()


def test_golden_without_projection_has_no_factor(bundle: Bundle) -> None:
    edit(bundle, lambda m: m["goldens"][0].update(k=None, sigma=None))
    golden = open_bundle(bundle.root).manifest.goldens[0]
    assert (golden.k, golden.sigma) == (None, None)
