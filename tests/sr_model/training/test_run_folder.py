"""Settings and metrics in a run folder that is damaged, or of another run, are refused before training starts."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.training.config import TrainConfig
from edgesr.sr_model.training.run.folder import RunFolder
from edgesr.sr_model.training.run.settings import RunSettings
from tests.helpers.training_runs import L1

INPUTS = {"photographs": "0" * 64, "checkpoint": None}
SETTINGS = RunSettings(TrainConfig(**L1), INPUTS)


def _text(content: bytes | str) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _setting(**changes: object) -> Callable[[Path], object]:
    """Changes the settings in train.json."""

    def write(path: Path) -> None:
        content = json.loads(path.read_text())
        path.write_text(json.dumps(content | {"settings": content["settings"] | changes}))

    return write


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "settings-no-utf8": ("train.json", _text(b"\xff"), "is not UTF-8"),
    "settings-no-json": ("train.json", _text("{"), "is not JSON"),
    "settings-list": ("train.json", _text("[]"), "holds no JSON object but a list"),
    "settings-deep": ("train.json", _text("[" * 100_000), "is nested more than 64 levels deep"),
    "settings-nan": ("train.json", _setting(ema_decay=math.nan), "holds NaN, which is not JSON"),
    "settings-type": ("train.json", _setting(steps=True), "settings.steps: expected int, found bool"),
    "settings-range": ("train.json", _setting(seed=-1), "settings: seed is -1: need a whole number"),
    "settings-unknown": ("train.json", _setting(depth=1), "settings: unknown depth"),
    "settings-other": ("train.json", _setting(seed=3), "seed 3 instead of 0"),
    "state-folder": ("state.pt", _folder, "state.pt: not a file"),
    "state-pipe": ("state.pt", _pipe, "state.pt: not a file"),
    "generator-folder": ("generator.safetensors", _folder, "generator.safetensors: not a file"),
    "metrics-folder": ("metrics.jsonl", _folder, "metrics.jsonl: not a file"),
    "metrics-cut": ("metrics.jsonl", _text('{"step": 2}\n{"st'), "line 2 is not JSON"),
    "metrics-no-utf8": ("metrics.jsonl", _text(b'{"step": 2, "\xff": 1}\n'), "line 1 is not UTF-8"),
    "metrics-nan": ("metrics.jsonl", _text('{"step": 2, "l1": NaN}\n'), "line 1 holds NaN"),
    "metrics-word": ("metrics.jsonl", _text('{"step": 2, "l1": "x"}\n'), "line 1 has a str as l1: need a number"),
    "metrics-huge": (
        "metrics.jsonl",
        _text('{"step": 2, "l1": 1e307}\n'),
        "line 1 has 1e+307 as l1: need a number that",
    ),
    "metrics-bool": ("metrics.jsonl", _text('{"step": true}\n'), "line 1 has the step True"),
    "metrics-order": ("metrics.jsonl", _text('{"step": 4}\n{"step": 4}\n'), "line 2 has the step 4 after the step 4"),
}


def a_folder(root: Path) -> RunFolder:
    folder = RunFolder(root / "run")
    folder.create(SETTINGS)
    folder.add_metrics({"step": 2, "l1": 0.5})
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_folder_is_refused_before_training(name: str, tmp_path: Path) -> None:
    file, damage, why = FILES[name]
    folder = a_folder(tmp_path)
    folder.check(SETTINGS)
    damage(folder.root / file)
    with pytest.raises(InputError) as caught:
        folder.check(SETTINGS)
    message = str(caught.value)
    assert why in message and str(folder.root) in message and len(message.splitlines()) == 1
    assert "another output folder" in message


def test_settings_are_compared_by_value(tmp_path: Path) -> None:
    """A number written another way, a setting left at its default and other spaces are the same run."""
    folder = a_folder(tmp_path)
    content = json.loads((folder.root / "train.json").read_text())
    del content["settings"]["luma_weight"]
    content["settings"]["ema_decay"] = 9.99e-1
    (folder.root / "train.json").write_text(json.dumps(content))
    folder.check(SETTINGS)
    changed = RunSettings(dataclasses.replace(TrainConfig(**L1), luma_weight=0.5), INPUTS)
    with pytest.raises(InputError, match=r"luma_weight 0\.0 instead of 0\.5"):
        folder.check(changed)


def test_an_infinite_figure_is_null_and_is_read_as_0_1_0_wrote_it(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    folder.add_metrics({"step": 4, "psnr_y_db": math.inf})
    file = folder.root / "metrics.jsonl"
    assert [json.loads(line, parse_constant=pytest.fail) for line in file.read_text().splitlines()][1] == {
        "step": 4,
        "psnr_y_db": None,
    }
    file.write_text(file.read_text().replace("null", "Infinity"))
    assert [row.get("psnr_y_db") for row in folder.metrics()] == [None, math.inf]
