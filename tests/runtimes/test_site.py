"""The page of a bundle: what it holds, what it leaves out, and that nothing else is ever replaced by it."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgesr.runtimes.bundle.manifest import Artifact
from edgesr.runtimes.bundle.opening import Bundle, open_bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.web.serving import folder_server, names_loopback
from edgesr.runtimes.web.site import WrittenSite, write_site
from edgesr.runtimes.web.site_file import left_out, site_of
from tests.helpers.browser.made_up_app import make_app
from tests.helpers.places import RELEASED_BUNDLE


@pytest.fixture
def bundle() -> Bundle:
    return open_bundle(RELEASED_BUNDLE)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return make_app(tmp_path / "app") / "site"


def written(bundle: Bundle, app: Path, output: Path, artifact: str | None = None) -> WrittenSite:
    return write_site(bundle, output, app=app, artifact=artifact)


def with_artifacts(bundle: Bundle, *artifacts: Artifact) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, artifacts=artifacts))


def test_the_page_has_its_artifacts_and_their_hashes(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    made = written(bundle, app, tmp_path / "site")
    site = json.loads((tmp_path / "site" / "site.json").read_text())
    assert (site["kind"], site["version"], site["default"]) == ("edgesr-site", 1, "tflite-fp32-tile-12x16")
    assert [one["id"] for one in site["artifacts"]] == ["onnx-fp32-full", "onnx-fp32-tile", "tflite-fp32-tile-12x16"]
    for one in site["artifacts"]:
        content = (tmp_path / "site" / one["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (one["bytes"], one["sha256"])
    assert [one["runtime"] for one in site["artifacts"]] == ["onnxruntime-web", "onnxruntime-web", "litert"]
    assert (site["network"]["scale"], site["network"]["glue"]["noise_level"]) == (4, "db7-mad")
    assert set(made.left_out) == {"tflite-fp32-tile-zero-12x16", "torchscript-fp32-tile"}
    assert made.left_out["torchscript-fp32-tile"] == "no runtime of browsers opens torchscript files"
    assert not (tmp_path / "site" / "device.html").exists()


def test_only_the_runtime_that_is_used_is_there(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    made = written(bundle, app, tmp_path / "site", "onnx-fp32-tile")
    assert [one.name for one in (tmp_path / "site" / "runtimes").iterdir()] == ["ort"]
    assert (made.site.default, made.left_out) == ("onnx-fp32-tile", {})


def test_sizes_are_those_of_the_files(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    made = written(bundle, app, site)
    assert made.size_bytes == sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    litert = sum(file.stat().st_size for file in (site / "runtimes" / "litert").iterdir())
    page = sum(file.stat().st_size for file in site.iterdir() if file.is_file())
    model = (site / "models" / "tflite-fp32-tile-12x16.tflite").stat().st_size
    assert made.first_load_bytes == litert + page + model


def test_the_default_is_the_fastest_tile_graph(bundle: Bundle) -> None:
    onnx, tflite = bundle.artifact("onnx-fp32-tile"), bundle.artifact("tflite-fp32-tile-12x16")
    full = bundle.artifact("onnx-fp32-full")
    int8 = replace(onnx, id="onnx-int8-tile", precision="int8")
    for artifacts, default in (
        ((full, onnx, tflite), tflite.id),
        ((full, onnx, tflite, int8), int8.id),
        ((full, onnx), onnx.id),
        ((full,), full.id),
    ):
        assert site_of(with_artifacts(bundle, *artifacts).manifest, artifact=None).default == default


def test_what_no_browser_runs_is_refused_with_the_reason(bundle: Bundle) -> None:
    script, onnx = bundle.artifact("torchscript-fp32-tile"), bundle.artifact("onnx-fp32-tile")
    with pytest.raises(InputError, match="no runtime of browsers opens torchscript files"):
        site_of(with_artifacts(bundle, script).manifest, artifact=None)
    others = (replace(onnx, id="a", precision="bf16"), replace(onnx, id="b", pooled=4))
    told = left_out(with_artifacts(bundle, *others).manifest)
    assert told["a"] == "bf16 was not found to be right in ONNX Runtime Web"
    assert "means of the whole picture" in told["b"]


def test_another_folder_is_never_replaced(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    (photographs / "cat.png").write_text("cat")
    (photographs / "site.json").write_text('{"kind": "another site"}')
    with pytest.raises(InputError, match="not empty and holds no page of edgesr"):
        written(bundle, app, photographs)
    with pytest.raises(InputError, match="is inside the bundle"):
        written(bundle, app, bundle.root / "site")
    with pytest.raises(InputError, match="is not a directory"):
        written(bundle, app, photographs / "cat.png")
    with pytest.raises(InputError, match="no artifact 'x'"):
        written(bundle, app, tmp_path / "site", "x")
    assert sorted(one.name for one in photographs.iterdir()) == ["cat.png", "site.json"]
    assert not (tmp_path / "site").exists()


def test_files_beside_an_older_page_are_never_deleted(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    written(bundle, app, site)
    (site / ".git").mkdir()
    with pytest.raises(InputError, match=r"'\.git' is no part of the page and would be deleted"):
        written(bundle, app, site)
    assert (site / ".git").is_dir()


def test_why_a_page_cannot_be_copied_is_told(
    bundle: Bundle, app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise shutil.Error([("app.js", "site/app.js", "[Errno 28] No space left on device")])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(InputError, match=r"site: cannot be written: .*No space left on device"):
        written(bundle, app, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_page_is_replaced_and_a_failure_leaves_the_old_one(bundle: Bundle, app: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    written(bundle, app, site)
    written(bundle, app, site, "onnx-fp32-tile")
    assert len(json.loads((site / "site.json").read_text())["artifacts"]) == 1
    damaged = replace(bundle, root=tmp_path / "nowhere")
    with pytest.raises(InputError):
        written(damaged, app, site)
    assert len(json.loads((site / "site.json").read_text())["artifacts"]) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["app", "site"]


def test_the_command_names_the_set_up(
    run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code, _, error = run_cli("web", RELEASED_BUNDLE, "--output", tmp_path / "site")
    assert (code, "not set up: edgesr devices setup browser" in error) == (2, True)
    assert not (tmp_path / "site").exists()
    make_app(tmp_path / "edgesr" / "browser")
    code, out, _ = run_cli("web", RELEASED_BUNDLE, "--output", tmp_path / "site")
    assert (code, "first load, with tflite-fp32-tile-12x16" in out, "left out: torchscript" in out) == (0, True, True)


def test_a_port_that_cannot_be_used_is_refused_before_the_page_is_written(
    run_cli: Callable[..., tuple[int, str, str]], app: Path, tmp_path: Path
) -> None:
    with folder_server(app, 0) as server:
        port = server.server_address[1]
        code, _, error = run_cli("web", RELEASED_BUNDLE, "--output", tmp_path / "site", "--serve", "--port", port)
    assert (code, f"port {port}: cannot be used" in error, error.count("\n")) == (2, True, 1)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("host", "port", "ours"),
    [
        ("localhost:8000", 8000, True),
        ("localhost", 8000, False),
        ("127.0.0.1", 80, True),
        ("localhost:80", 80, True),
        ("elsewhere", 80, False),
        (None, 80, False),
    ],
)
def test_hosts_that_are_this_server(host: str | None, port: int, ours: bool) -> None:
    """Browsers leave port 80 out of the name."""
    assert names_loopback(host, port) is ours


def test_the_page_is_served_until_ctrl_c(app: Path) -> None:
    with folder_server(app, 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with urllib.request.urlopen(f"{server.url}app.js") as answer:
            assert (answer.read(), answer.headers["Cross-Origin-Opener-Policy"]) == (b"the file app.js", "same-origin")
        with pytest.raises(InputError, match="give another --port"):
            folder_server(app, server.server_address[1])
        server.shutdown()
