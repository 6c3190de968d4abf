"""Workers on boxes: what is sent once, what comes back, a box that is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.benchmarks.archive import supervisor
from tests.helpers.archive.runs import archive_run, by_one_process, contents, photographs
from tests.helpers.boxes.fake_ssh import DEVICE, FakeBox
from tests.helpers.cli_refusals import RunCli
from tests.helpers.places import RELEASED_BUNDLE

pytest_plugins = ("tests.helpers.boxes.fixtures",)
pytestmark = pytest.mark.usefixtures("fake_root")


def test_a_box_and_this_machine_write_what_one_process_does(fake_box: FakeBox, tmp_path: Path, run_cli: RunCli) -> None:
    source, target = photographs(tmp_path / "in", 6), tmp_path / "out"
    fake_box.behave("echo what a login script prints")
    command = ("upscale", source, target, "--bundle", RELEASED_BUNDLE, "--on", f"host,{DEVICE}")
    assert run_cli(*command)[0] == 0
    expected = by_one_process(source, tmp_path / "one")
    assert contents(target) == expected
    sent = {one.name: one.stat().st_mtime_ns for one in fake_box.cache.iterdir()}
    assert {name.rpartition("-")[0] for name in sent} == {*("base", "box", "bundle", "code"), *_PACKAGES}
    report = archive_run(source, tmp_path / "again", on=DEVICE, jobs=2)
    assert (len(report.written), contents(tmp_path / "again")) == (6, expected)
    assert {one.name: one.stat().st_mtime_ns for one in fake_box.cache.iterdir()} == sent
    assert fake_box.leftovers() == []


def test_what_goes_wrong_with_an_image_is_told_as_on_this_machine(
    fake_box: FakeBox, tmp_path: Path, run_cli: RunCli
) -> None:
    source, target = photographs(tmp_path / "in", 2), tmp_path / "out"
    (source / "broken.png").write_bytes(b"no image")
    words = ("upscale", source, target, "--bundle", RELEASED_BUNDLE)
    shared, alone = run_cli(*words, "--on", DEVICE), run_cli(*words)
    assert shared[0] == alone[0] == 2
    assert shared[2].splitlines()[-1] == alone[2].splitlines()[-1]


def test_a_box_that_is_lost_leaves_its_work_to_others(
    fake_box: FakeBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection dies with the first photograph; afterwards nothing answers. Then the same without any other."""
    monkeypatch.setattr(supervisor, "ASK_AGAIN_SECONDS", (0.01, 0.01))
    source = photographs(tmp_path / "in", 4)
    expected = by_one_process(source, tmp_path / "one")
    lost = "case $line in *stay*) echo 'ssh: connect to host box port 22: No route to host' >&2; exit 255 ;; esac"
    fake_box.behave(lost)
    report = archive_run(source, tmp_path / "out", on=f"host,{DEVICE}")
    assert (report.unfinished, contents(tmp_path / "out")) == ((), expected)
    report = archive_run(source, tmp_path / "alone", on=DEVICE)
    (line,) = report.unfinished
    assert line.startswith(
        f"4 images left, no worker is there any more: {DEVICE}: ssh: connect to host box port 22: No"
    )
    fake_box.behave("")
    report = archive_run(source, tmp_path / "alone", on=DEVICE)
    assert contents(tmp_path / "alone") == expected


_PACKAGES = ("numpy", "pillow", "onnxruntime")
