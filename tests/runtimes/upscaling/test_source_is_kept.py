"""No run replaces an image that it reads, by whatever links or spelling its place is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.runtimes.bundle.opening import Bundle
from edgesr.runtimes.errors import InputError
from tests.helpers.cli_refusals import refused
from tests.helpers.folder_runs import folder_run, four_photographs, listing, save_photograph

RunCli = Callable[..., tuple[int, str, str]]


def same(source: Path) -> Path:
    return source


def by_another_spelling(source: Path) -> Path:
    return source.parent / ".." / source.parent.name / "." / source.name


def by_symbolic_link(source: Path) -> Path:
    source.with_name("soft.png").symlink_to(source)
    return source.with_name("soft.png")


def by_hard_link(source: Path) -> Path:
    os.link(source, source.with_name("hard.png"))
    return source.with_name("hard.png")


def by_linked_folder(source: Path) -> Path:
    (source.parent / "below").mkdir()
    (source.parent / "below" / "link").symlink_to(source.parent)
    return source.parent / "below" / "link" / source.name


ROUTES = (same, by_another_spelling, by_symbolic_link, by_hard_link, by_linked_folder)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize("route", ROUTES)
def test_target_that_is_the_source_is_refused(
    route: Callable[[Path], Path], options: tuple[str, ...], run_cli: RunCli, mobile_bundle: Bundle, tmp_path: Path
) -> None:
    source = save_photograph(tmp_path / "in.png", (9, 9))
    target = route(source)
    arguments = ("--bundle", mobile_bundle.root, *options)
    refused(
        run_cli, tmp_path, "upscale", source, target, *arguments, naming=f"{target}: is the image to upscale itself"
    )
    refused(
        run_cli, tmp_path, "upscale", target, source, *arguments, naming=f"{source}: is the image to upscale itself"
    )


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_folder_in_which_an_output_is_a_source_is_refused(
    link: Callable[[Path, Path], None],
    options: tuple[str, ...],
    run_cli: RunCli,
    mobile_bundle: Bundle,
    tmp_path: Path,
) -> None:
    """Nothing is written at all, whichever of the sources it is: here d.png would be lost when b.png is written."""
    source, target = four_photographs(tmp_path / "in"), tmp_path / "out"
    target.mkdir()
    link(source / "d.png", target / "b.png")
    arguments = ("upscale", source, target, "--bundle", mobile_bundle.root, *options)
    refused(run_cli, tmp_path, *arguments, naming=f"{target / 'b.png'}: is the image to upscale itself")


def test_source_that_links_into_the_target_is_refused(mobile_bundle: Bundle, tmp_path: Path) -> None:
    source, target = four_photographs(tmp_path / "in"), tmp_path / "out"
    target.mkdir()
    content = save_photograph(target / "a.png", (9, 9)).read_bytes()
    (source / "b.png").unlink()
    (source / "b.png").symlink_to(target / "a.png")
    with pytest.raises(InputError, match=r"a\.png: is the image to upscale itself \(.*b\.png\)"):
        folder_run(mobile_bundle, source, target)
    assert (target / "a.png").read_bytes() == content


@pytest.mark.parametrize(("source", "target"), [("photos", "photos/x4"), ("x4/photos", "x4")])
def test_folders_may_lie_in_each_other(source: str, target: str, mobile_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "x4").mkdir()
    folder = four_photographs(tmp_path / source)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert len(folder_run(mobile_bundle, folder, tmp_path / target).written) == 4
    assert {path: path.read_bytes() for path in before} == before
    assert [name for name in listing(tmp_path / target) if name.endswith("png")] == ["a.png", "b.png", "c.png", "d.png"]
