"""Names for the upscaled images of a folder, and the refusal of a run that would replace what it reads."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgesr.runtimes.errors import InputError


def output_names(sources: Sequence[str], suffix: str, *, kept: Mapping[str, str]) -> dict[str, str]:
    """The file name to write for each file name of a folder; no two are equal, not even without regard to case.

    a.jpg becomes a.png; next to another file that would be a.png both keep their suffix: a.jpg.png. Names that then
    still differ in case alone get a number. ``kept`` are the names that an earlier run gave to some of the sources.
    """
    names = {source: _plain(source, suffix) for source in sources}
    _make_distinct(names, suffix, fixed={})
    names.update(kept)
    _make_distinct(names, suffix, fixed=kept)
    return names


def refuse_outputs_that_are_sources(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Raise an InputError when an output of (source, output) is one of all the sources, by whatever links and
    spelling.
    """
    sources = {_identity(source): source for source, _ in pairs}
    for _, output in pairs:
        identity = _identity(output)
        if identity is not None and identity in sources:
            raise InputError(
                f"{output}: is the image to upscale itself ({sources[identity]}); give another place to write to"
            )


def _plain(source: str, suffix: str) -> str:
    return f"{Path(source).stem}{suffix}"


def _make_distinct(names: dict[str, str], suffix: str, *, fixed: Mapping[str, str]) -> None:
    """Change names that are not of ``fixed`` sources until no two are equal."""
    while longer := [s for s in _clashing(names, fixed) if names[s] == _plain(s, suffix)]:
        names.update({source: f"{source}{suffix}" for source in longer})
    clashing = _clashing(names, fixed)
    taken = {_folded(name) for source, name in names.items() if source not in clashing}
    for source in clashing:
        names[source] = _free_name(source, suffix, taken)
        taken.add(_folded(names[source]))


def _clashing(names: Mapping[str, str], fixed: Mapping[str, str]) -> list[str]:
    """Sources, none of them fixed, whose name another source has too."""
    counts = Counter(map(_folded, names.values()))
    return [source for source, name in names.items() if counts[_folded(name)] > 1 and source not in fixed]


def _free_name(source: str, suffix: str, taken: set[str]) -> str:
    name, number = f"{source}{suffix}", 1
    while _folded(name) in taken:
        number += 1
        name = f"{source}.{number}{suffix}"
    return name


def _folded(name: str) -> str:
    """The name in the form that is equal for names which some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file, the same by every name; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
