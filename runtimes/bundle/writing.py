"""Write a bundle next to its place and swap it in with one rename, so that a kill leaves the old or the new one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgesr.runtimes.bundle.manifest import FileEntry, Manifest
from edgesr.runtimes.bundle.opening import MANIFEST_FILE, Bundle, is_bundle
from edgesr.runtimes.bundle.sound_manifest import require_sound
from edgesr.runtimes.directory_swap import recover, swap_in
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable, sha256_of
from edgesr.runtimes.json_file import JsonError, parse_json
from edgesr.runtimes.json_records import DecodeError, to_json


def check_output(output: Path) -> None:
    """Refuse an output before work starts: anything but a new, an empty or a bundle directory in a writable place."""
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise InputError(f"{output}: exists and is not a directory; give another --output")
    if output.is_dir() and any(output.iterdir()) and not is_bundle(output):
        raise InputError(f"{output}: is not empty and not a bundle; give a new directory with --output")
    require_creatable(output.absolute().parent if output.exists() else output)


def write_bundle(
    output: Path, fill: Callable[[Path], Manifest], *, complete: Callable[[Bundle], object] | None = None
) -> Bundle:
    """Let ``fill`` write artifacts and goldens into a staging directory, add its manifest, and swap it in.

    ``complete`` is given the bundle in that directory, to put next to its files what can be made of them.

    The caller holds the lock of this output. Leftovers of killed runs next to it are removed.
    """
    check_output(output)
    target = output.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        recover(target)
        for leftover in target.parent.glob(f"{_staging_prefix(target)}*"):
            shutil.rmtree(leftover)
        staging = Path(tempfile.mkdtemp(prefix=_staging_prefix(target), dir=target.parent))
        staging.chmod(0o755)
        try:
            manifest = fill(staging)
            (staging / MANIFEST_FILE).write_text(_readable_text(manifest, output))
            if complete is not None:
                complete(Bundle(staging, manifest, sha256_of(staging / MANIFEST_FILE)))
            swap_in(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    return Bundle(output, manifest, sha256_of(output / MANIFEST_FILE))


def _readable_text(manifest: Manifest, output: Path) -> str:
    """The JSON of a manifest; an InputError instead of one that `open_bundle` would refuse."""
    text = to_json(manifest)
    try:
        require_sound(manifest)
        parse_json(text)
    except (DecodeError, JsonError) as error:
        raise InputError(f"{output}: its manifest could not be read again: {error}; nothing was written") from error
    return text


def file_entry(root: Path, path: Path) -> FileEntry:
    """Entry of a file below the bundle's root."""
    return FileEntry(path=path.relative_to(root).as_posix(), size_bytes=path.stat().st_size, sha256=sha256_of(path))


def _staging_prefix(target: Path) -> str:
    return f".{target.name}.partial-"
