"""Which images of a folder run are done: a file in the target folder while the run is not finished."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from edgesr.runtimes.files import sha256_of, write_atomically
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions

JOURNAL_FILE = ".edgesr-upscale.json"


class FolderJournal:
    """Counts an image as done when the same settings wrote it from the same source file (size and time of change)."""

    def __init__(self, target: Path, bundle: Bundle, options: UpscaleOptions, files: FileOptions) -> None:
        self._path = target / JOURNAL_FILE
        self._settings: dict[str, Any] = {
            "bundle": sha256_of(bundle.root / MANIFEST_FILE),
            "options": {k: v for k, v in asdict(options).items() if k not in ("threads", "memory_bytes", "tile_size")},
            "files": asdict(files),
        }
        self._done = self._read()

    def output_of(self, source: Path) -> Path | None:
        """The output that an earlier run of the same settings wrote; None unless it and the source are as they were."""
        entry = self._done.get(source.name)
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            return None
        output = self._path.parent / entry[0]
        stamps = [_stamp(source), _stamp(output)]
        return output if None not in stamps and entry[1:] == stamps else None

    def add(self, source: Path, output: Path) -> None:
        """Note an image as done."""
        self._done[source.name] = [output.name, _stamp(source), _stamp(output)]
        content = {"settings": self._settings, "done": self._done}
        write_atomically(self._path, json.dumps(content, indent=2).encode())

    def remove(self) -> None:
        """The run is finished: another one starts from the beginning."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            content = parse_json(self._path.read_bytes(), file_names=True)
        except (OSError, JsonError):
            return {}
        known = isinstance(content, dict) and content.get("settings") == self._settings
        done = content.get("done") if known else None
        return done if isinstance(done, dict) else {}


def _stamp(path: Path) -> list[int] | None:
    """Size and time of change, None where no file can be found."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return [status.st_size, status.st_mtime_ns]
