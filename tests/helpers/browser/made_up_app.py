"""A built app that is none, and programs that stand in for Chromium, Node.js and npm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.browser.built import RECORD_FILE, SCHEMA_VERSION, SITE_FOLDER, AppRecord, sources_sha256
from edgesr.benchmarks.devices.packages.trees import measured_tree
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.web.web_runtimes import WEB_RUNTIMES

PACKAGES = {"@litertjs/core": "2.5.3", "onnxruntime-web": "1.30.0"}


def make_app(place: Path) -> Path:
    """An app in a place that passes for the one that the set-up builds."""
    site = place / SITE_FOLDER
    names = ["index.html", "app.js", "style.css", "icon.svg", "worker.js", "sw.js", "device.html", "device.js"]
    names += [f"{one.folder}/{name}" for one in WEB_RUNTIMES for name in one.first_load]
    for name in names:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(f"the file {name}")
    size_bytes, sha256 = measured_tree(site)
    record = AppRecord(
        schema_version=SCHEMA_VERSION,
        sources_sha256=sources_sha256(),
        packages=PACKAGES,
        size_bytes=size_bytes,
        sha256=sha256,
    )
    (place / RECORD_FILE).write_text(to_json(record))
    return place


def put_program(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, script: str) -> None:
    """A program of that name first on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    if str(folder) not in os.environ["PATH"].split(":"):
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
