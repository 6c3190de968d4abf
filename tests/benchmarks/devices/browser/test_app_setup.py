"""The set-up of the browser device: npm builds the app, which is whole in its place or not there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.browser.built import installed_app, sources, sources_folder
from edgesr.benchmarks.devices.browser.setup import packages_of, set_up
from edgesr.runtimes.errors import InputError, MissingPackageError
from tests.helpers.browser.made_up_app import put_program
from tests.helpers.places import ROOT

LOCK = ROOT / "runtimes" / "web" / "app" / "package-lock.json"
NPM = """echo "$*" >> {log}
case "$1" in ci) mkdir node_modules;; run) mkdir dist; echo page > dist/index.html;; esac"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a Node.js 22 on PATH, and an npm of that script; gives the log that it may write."""

    def put(script: str) -> Path:
        log = tmp_path / "npm.log"
        put_program(monkeypatch, tmp_path / "bin", "node", "echo v22.1.0")
        put_program(monkeypatch, tmp_path / "bin", "npm", script.format(log=log))
        return log

    return put


def test_npm_installs_by_the_lock_file_and_builds_once(tmp_path: Path, npm: Callable[[str], Path]) -> None:
    log, place = npm(NPM), tmp_path / "cache" / "browser"
    app = set_up(place=place)
    assert (app.folder / "index.html").read_text() == "page\n"
    assert app.record.packages == packages_of(LOCK) and set(app.record.packages) == {
        "@litertjs/core",
        "onnxruntime-web",
    }
    assert [line.split()[:2] for line in log.read_text().splitlines()] == [["ci", "--ignore-scripts"], ["run", "build"]]
    assert set_up(place=place).record == app.record
    assert len(log.read_text().splitlines()) == 2
    assert sorted(one.name for one in place.parent.iterdir()) == ["browser", "browser.lock"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'npm error network' >&2; exit 1", "npm ci failed (npm error network): is the network up"),
        ("case $1 in ci) ;; *) echo 'x.ts: error' >&2; exit 1;; esac", "npm run build failed (x.ts: error)"),
    ],
)
def test_a_failed_set_up_leaves_what_was_there(
    script: str, why: str, tmp_path: Path, npm: Callable[[str], Path]
) -> None:
    place = tmp_path / "cache" / "browser"
    npm(NPM)
    set_up(place=place)
    (place / "site" / "index.html").write_text("damaged")
    npm(script)
    with pytest.raises(InputError) as error:
        set_up(place=place)
    assert why in str(error.value)
    assert sorted(one.name for one in place.parent.iterdir()) == ["browser", "browser.lock"]
    with pytest.raises(MissingPackageError, match="incomplete or changed"):
        installed_app(place)
    npm(NPM)
    assert (set_up(place=place).folder / "index.html").read_text() == "page\n"


def test_node_is_asked_for(tmp_path: Path, npm: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    npm(NPM)
    put_program(monkeypatch, tmp_path / "bin", "node", "echo v18.2.0")
    with pytest.raises(InputError, match=r"needs Node\.js 20 or later, and .*/node is v18\.2\.0"):
        set_up(place=tmp_path / "cache")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPackageError, match=r"needs node, which is not installed: install Node\.js 20"):
        set_up(place=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_an_app_of_other_sources_is_built_anew(tmp_path: Path, npm: Callable[[str], Path]) -> None:
    npm(NPM)
    set_up(place=tmp_path / "browser")
    record = tmp_path / "browser" / "app.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"sources_sha256": "0" * 64}))
    with pytest.raises(MissingPackageError, match="of another version of edgesr: edgesr devices setup browser"):
        installed_app(tmp_path / "browser")


def test_what_npm_leaves_in_a_checkout_is_no_source() -> None:
    names = {str(one.relative_to(sources_folder())) for one in sources()}
    assert {"package.json", "package-lock.json", "build.mjs", "src/device.ts", "static/device.html"} <= names
    assert not any(name.startswith(("node_modules", "dist", ".")) for name in names)


def test_the_lock_file_names_no_host_and_has_every_hash() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    fetched = {name: one for name, one in packages.items() if name}
    assert len(fetched) > 10 and not any("resolved" in one for one in fetched.values())
    assert all(one["integrity"].startswith("sha512-") for one in fetched.values())


def test_clean_deletes_the_app(
    run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "edgesr" / "browser"
    place.mkdir(parents=True)
    assert run_cli("devices", "clean", "browser")[:2] == (0, f"{place}: deleted\n")
    assert not place.exists()
    assert run_cli("devices", "clean", "browser")[:2] == (0, f"{place}: nothing is there\n")
    shutil.rmtree(tmp_path / "edgesr")
