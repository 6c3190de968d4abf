"""The npm project keeps to the sizes of the other folders, and its lock file names no host."""

from __future__ import annotations

from itertools import groupby

from edgesr.benchmarks.devices.browser.built import sources, sources_folder

LONGEST_FILE, LARGEST_FOLDER = 250, 16


def test_files_and_folders_are_small() -> None:
    files = [file for file in sources() if file.name != "package-lock.json"]
    written = [file for file in files if file.suffix in (".ts", ".mjs", ".css", ".html", ".json")]
    assert len(written) > 30
    assert {file.name: lines for file in written if (lines := len(file.read_text().splitlines())) > LONGEST_FILE} == {}
    folders = groupby(sorted(files), key=lambda file: file.parent)
    assert {folder.name: count for folder, group in folders if (count := len(list(group))) > LARGEST_FOLDER} == {}


def test_lock_file_names_no_host() -> None:
    lock = (sources_folder() / "package-lock.json").read_text()
    assert "resolved" not in lock and "registry" not in lock and '"integrity": "sha512-' in lock
