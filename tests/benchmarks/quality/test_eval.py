"""`edgesr eval` on the command line: what it prints and writes, without torch, and bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from edgesr.benchmarks.quality.image_pairs import read_image_set
from edgesr.benchmarks.quality.measurement import QualityResults
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import MissingPackageError
from edgesr.runtimes.json_records import decode
from edgesr.sr_model.evaluation.evaluate import candidates_from_paths, perceptual_distance
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint
from tests.helpers.hr_images import hr_pixels, save, two_images

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two HR images of 64x48."""
    return two_images(tmp_path / "data")


@pytest.fixture(scope="module")
def mobile() -> Path:
    return embedded_checkpoint("srrescycgan-mobile")


def test_missing_packages(folder: Path, mobile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", _absent)
    assert perceptual_distance() is None
    with pytest.raises(MissingPackageError, match=r"torch, safetensors\): pip install 'edgesr\[train\]'"):
        candidates_from_paths([mobile], read_image_set(folder))


def _absent(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


def test_bundle_needs_no_torch(mobile_bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    """Torch and ST-LPIPS cannot be imported: a bundle is measured without ST-LPIPS, which says how to install it."""
    arguments = ["eval", str(mobile_bundle.root), "--data", str(folder), "--json", str(tmp_path / "q.json")]
    script = f"""
import sys
from importlib import metadata
found = metadata.version
def version(name):
    if name in ("torch", "stlpips-pytorch"):
        raise metadata.PackageNotFoundError(name)
    return found(name)
metadata.version = version
sys.modules["torch"] = None
from edgesr.cli.main import main
sys.argv = ["edgesr", *{arguments!r}]
main()
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ST-LPIPS was not measured, its package is not installed: pip install 'edgesr[perceptual]'" in done.stdout
    results = decode(QualityResults, json.loads((tmp_path / "q.json").read_text()))
    assert [r.runtime for r in results.results] == [None, "ort"]
    assert results.results[1].mean.psnr_y_db is not None and results.results[1].mean.st_lpips is None


def test_command_measures_everything_beside_bicubic(
    run_cli: RunCli, mobile_bundle: Bundle, mobile: Path, folder: Path, tmp_path: Path
) -> None:
    options = (
        "--beside",
        mobile_bundle.root,
        "--beside",
        mobile,
        "--degradation",
        "jpeg:30",
        "--json",
        tmp_path / "q.json",
    )
    code, out, err = run_cli("eval", mobile, "--data", folder, *options)
    assert (code, err) == (0, "")
    results = decode(QualityResults, json.loads((tmp_path / "q.json").read_text()))
    names = [r.candidate for r in results.results]
    assert names == ["bicubic", str(mobile), f"{mobile_bundle.root}: onnx-fp32-tile on ort"], (
        "the second mobile is the first"
    )
    assert results.st_lpips_weights == "stlpips-pytorch 0.0.2, AlexNet"
    assert all(0 < (q.st_lpips or 0) < 2 for r in results.results for q in r.images)
    assert "Mean quality of 2 images of data, x4, jpeg:30" in out
    assert "ST-LPIPS" in out and " LPIPS" not in out


@pytest.mark.parametrize(
    ("arguments", "naming"),
    [
        (("{mobile}", "--data", "{tmp}/absent"), "absent: no such folder"),
        (("{mobile}", "--data", "{tmp}/empty"), "empty: no image in it"),
        (("{mobile}", "--data", "{tmp}/only_lr"), "only_lr: holds LR images (*_LR) alone"),
        (("{mobile}", "--data", "{tmp}/broken"), "broken: holds 2 HR images and none can be used"),
        (("{mobile}", "--data", "{tmp}/mismatch"), "x_LR.png: 8x8 pixels is not 1/4 of x_HR.png, 64x48"),
        (("{mobile}", "--data", "{data}", "--degradation", "fog:3"), "degradation 'fog:3': give clean"),
        (("{mobile}", "--data", "{data}", "--json", "{tmp}/absent/q.json"), "q.json: cannot be written"),
        (("{mobile}", "--data", "{data}", "--seed", "-1"), "--seed"),
        (("{mobile}", "--data", "{data}", "--runtime", "ort"), "--artifact and --runtime choose in a bundle"),
        (("{tmp}/absent.safetensors", "--data", "{data}"), "absent.safetensors: no such file"),
        (("{tmp}/damaged.safetensors", "--data", "{data}"), "damaged.safetensors: damaged"),
        (("{tmp}/damaged.pth", "--data", "{data}"), "damaged.pth: "),
        (("{mobile}", "--data", "{data}", "--beside", "{tmp}/empty"), "empty: not a bundle"),
        (("{bundle}", "--data", "{data}", "--artifact", "onnx-int2"), "no artifact 'onnx-int2'"),
        (("{bundle}", "--data", "{data}", "--runtime", "abacus"), "unknown runtime 'abacus'"),
        (
            ("{bundle}", "--data", "{data}", "--artifact", "onnx-fp32-full", "--runtime", "tflite"),
            "nothing in it opens",
        ),
        (
            ("{bundle}", "--data", "{data}", "--artifact", "tflite-fp32-full-64x64"),
            "coffee.png: its LR does not fit: tflite-fp32-full-64x64 takes only 64x64 (height x width), not 12x16",
        ),
    ],
)
def test_bad_input(
    run_cli: RunCli,
    mobile_bundle: Bundle,
    mobile: Path,
    folder: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    naming: str,
) -> None:
    (tmp_path / "empty").mkdir()
    save(tmp_path / "only_lr" / "x_LR.png", hr_pixels("coffee"))
    save(tmp_path / "broken" / "a.png", hr_pixels("coffee")[:16])
    (tmp_path / "broken" / "b.png").write_text("words")
    save(tmp_path / "mismatch" / "x_HR.png", hr_pixels("coffee"))
    save(tmp_path / "mismatch" / "x_LR.png", hr_pixels("coffee")[:8, :8])
    (tmp_path / "damaged.safetensors").write_bytes(mobile.read_bytes()[:5000])
    (tmp_path / "damaged.pth").write_bytes(b"words")
    before = sorted(tmp_path.rglob("*"))
    places = {"mobile": mobile, "tmp": tmp_path, "data": folder, "bundle": mobile_bundle.root}
    code, out, err = run_cli("eval", *(argument.format(**places) for argument in arguments))
    assert (code, out) == (2, ""), err
    assert err.startswith("edgesr: ") and len(err.splitlines()) == 1, err
    assert naming in err, err
    assert sorted(tmp_path.rglob("*")) == before
