"""Write a static page on which anyone upscales photographs with a bundle's artifacts, on their own machine."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.directory_swap import recover, swap_in
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import require_creatable
from edgesr.runtimes.json_file import read_json
from edgesr.runtimes.json_records import to_json
from edgesr.runtimes.web.site_file import KIND, MODELS, SITE_FILE, Site, left_out, site_of
from edgesr.runtimes.web.web_runtimes import WEB_RUNTIMES

LARGEST_FIRST_LOAD_BYTES = 5_000_000
_PAGE = ("index.html", "app.js", "style.css", "icon.svg", "worker.js", "sw.js", SITE_FILE)
_NOT_OF_SITES = ("device.html", "device.js")


@dataclass(frozen=True, kw_only=True)
class WrittenSite:
    """``size_bytes`` of all files. A first load of the page with its default artifact: ``first_load_bytes`` as they
    lie there, ``first_load_gzip_bytes`` as most hosts send them. ``left_out``: artifacts that it does not offer, why.
    """

    folder: Path
    site: Site
    size_bytes: int
    first_load_bytes: int
    first_load_gzip_bytes: int
    left_out: dict[str, str]


def write_site(bundle: Bundle, output: Path | str, *, app: Path, artifact: str | None = None) -> WrittenSite:
    """Write the page of a bundle into a folder, which appears whole or not at all; ``app`` is the built web app.

    ``artifact``: only that one. A page that is there is replaced, any other folder that is not empty is refused, and so
    is a page with files next to it that edgesr did not write.
    """
    if artifact is not None:
        bundle.artifact(artifact)
    site, place = site_of(bundle.manifest, artifact=artifact), Path(output).absolute()
    _require_replaceable(bundle, place, output, app)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        recover(place)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as name:
            new = Path(name) / place.name
            _fill(new, bundle, site, app)
            swap_in(new, place)
    except shutil.Error as error:
        raise InputError(f"{output}: cannot be written: {error.args[0][0][-1]}") from error
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror}") from error
    first = [place / name for name in _first_load(site)]
    return WrittenSite(
        folder=Path(output),
        site=site,
        size_bytes=_bytes_of(file for file in place.rglob("*") if file.is_file()),
        first_load_bytes=_bytes_of(first),
        first_load_gzip_bytes=sum(len(gzip.compress(file.read_bytes(), mtime=0)) for file in first),
        left_out=left_out(bundle.manifest) if artifact is None else {},
    )


def _require_replaceable(bundle: Bundle, place: Path, given: Path | str, app: Path) -> None:
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise InputError(f"{given}: exists and is not a directory; give another --output")
    if bundle.holds(place):
        raise InputError(f"{given}: is inside the bundle; give another --output")
    if place.is_dir() and any(place.iterdir()) and not _is_site(place):
        raise InputError(f"{given}: is not empty and holds no page of edgesr; give a new directory with --output")
    foreign = sorted({one.name for one in place.glob("*")} - {one.name for one in app.iterdir()} - {MODELS, SITE_FILE})
    if foreign:
        raise InputError(
            f"{given}: {foreign[0]!r} is no part of the page and would be deleted: move it, or give another --output"
        )
    require_creatable(place.parent if place.exists() else place)


def _is_site(place: Path) -> bool:
    try:
        return read_json(place / SITE_FILE, remake="").get("kind") == KIND
    except InputError:
        return False


def _fill(new: Path, bundle: Bundle, site: Site, app: Path) -> None:
    """The app without runtimes that no artifact needs, the artifacts, and what there is to know of them."""
    used = {one.runtime for one in site.artifacts}
    unused = {app / one.folder for one in WEB_RUNTIMES if one.name not in used}

    def skipped(folder: str, names: list[str]) -> list[str]:
        here = Path(folder)
        return [name for name in names if here / name in unused or (here == app and name in _NOT_OF_SITES)]

    shutil.copytree(app, new, ignore=skipped)
    for one in site.artifacts:
        copy = new / one.file
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(bundle.model_path(bundle.artifact(one.id)), copy)
    (new / SITE_FILE).write_text(to_json(site))


def _first_load(site: Site) -> list[str]:
    """Names of all files that a first visit loads, with one runtime alone."""
    default = next(one for one in site.artifacts if one.id == site.default)
    runtime = next(one for one in WEB_RUNTIMES if one.name == default.runtime)
    return [*_PAGE, default.file, *(f"{runtime.folder}/{name}" for name in runtime.first_load)]


def _bytes_of(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)
