"""Helpers that the tests of bad input on the command line share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

RunCli = Callable[..., tuple[int, str, str]]
Write = Callable[[Path], object]
MOBILE = "srrescycgan-mobile"


def refused(run_cli: RunCli, folder: Path, *arguments: object, naming: object) -> None:
    """Assert that the command line refuses these arguments and leaves ``folder`` as it is."""
    before = _listing(folder)
    code, out, err = run_cli(*arguments)
    assert (code, out) == (2, ""), err
    assert err.startswith("edgesr: ")
    assert err.endswith("\n") and len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    assert str(naming) in err, err
    assert _listing(folder) == before


def _listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, every directory with None."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def picture(path: Path, side: int = 32) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def truncate(path: Path, size: int | None = None) -> None:
    """Cut a file to ``size`` bytes, or to half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 if size is None else size])


def nothing(path: Path) -> None:
    """Write no file."""


def text(path: Path) -> None:
    path.write_text("These are words, not pixels and not weights.\n")
