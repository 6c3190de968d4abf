"""The journal of a folder run: a file in the target folder that lists the finished images while the run is not
finished.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of, write_atomically
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.upscaling.options import FileOptions, UpscaleOptions

JOURNAL_FILE = ".edgesr-upscale.json"


class FolderJournal:
    """Counts an image as done when the same settings wrote it from the same source file (size and time of change).

    The first line of its file has the settings, each further one an image that is done: adding one costs as much at the
    end of a long run as at its beginning. A line that a killed process did not finish is left out.
    """

    def __init__(self, target: Path, bundle: Bundle, options: UpscaleOptions, files: FileOptions) -> None:
        self._path = target / JOURNAL_FILE
        self._settings: dict[str, Any] = {
            "bundle": sha256_of(bundle.root / MANIFEST_FILE),
            "options": {k: v for k, v in asdict(options).items() if k not in ("threads", "memory_bytes", "tile_size")},
            "files": asdict(files),
        }
        self._done = self._read()
        self._begun = False

    def output_of(self, source: Path) -> Path | None:
        """The output that an earlier run of the same settings wrote; None unless it and the source are as they were."""
        entry = self._done.get(source.name)
        if not isinstance(entry, list) or len(entry) != 3 or not isinstance(entry[0], str):
            return None
        output = self._path.parent / entry[0]
        stamps = [_stamp(source), _stamp(output)]
        return output if None not in stamps and entry[1:] == stamps else None

    def add(self, source: Path, output: Path, *, content: Path | None = None) -> None:
        """Note an image as done. ``content``: the file that is to be renamed to ``output`` next. Raises an
        InputError where the journal cannot be written.
        """
        if not self._begun:
            self._begin()
        self._done[source.name] = [output.name, _stamp(source), _stamp(content or output)]
        try:
            with self._path.open("ab") as file:
                file.write(_line({source.name: self._done[source.name]}))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def remove(self) -> None:
        """The run is finished: another one starts from the beginning."""
        self._path.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Write anew what an earlier run did, without a line that is cut off."""
        lines = [_line({name: entry}) for name, entry in self._done.items()]
        write_atomically(self._path, b"".join([_line({"settings": self._settings}), *lines]))
        self._begun = True

    def _read(self) -> dict[str, Any]:
        try:
            content = self._path.read_bytes()
        except OSError:
            return {}
        head, *lines = content.splitlines() or [b""]
        settings = _object(head)
        if settings is None:  # up to version 0.1.0 one object, with the images as "done"
            whole = _object(content) or {}
            settings, found = whole, whole.get("done")
        else:
            found = {name: entry for line in lines for name, entry in (_object(line) or {}).items()}
        return found if isinstance(found, dict) and settings.get("settings") == self._settings else {}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _object(content: bytes) -> dict[str, Any] | None:
    """An object in JSON; None for anything else."""
    try:
        value = parse_json(content, file_names=True)
    except JsonError:
        return None
    return value if isinstance(value, dict) else None


def _stamp(path: Path) -> list[int] | None:
    """Size and time of change, None where no file can be found."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return [status.st_size, status.st_mtime_ns]
