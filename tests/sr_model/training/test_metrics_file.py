"""The figures of a training run are read again, whatever a validation gave."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.training.run.folder import RunFolder


def test_an_exact_validation_does_not_stop_a_run(tmp_path: Path) -> None:
    """PSNR of a picture that is reproduced exactly is infinite."""
    folder = RunFolder(tmp_path)
    folder.add_metrics({"step": 2, "psnr_y_db": math.inf})
    assert [row["step"] for row in folder.add_metrics({"step": 4, "psnr_y_db": 30.0})] == [2, 4]
    assert folder.metrics()[0]["psnr_y_db"] == math.inf


@pytest.mark.parametrize("line", ["{", "[]", '{"loss": 1}', '{"step": "x"}', "[" * 100_000])
def test_damaged_figures_are_refused_with_what_to_do(tmp_path: Path, line: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"metrics.jsonl: damaged: .*delete it"):
        RunFolder(tmp_path).metrics()
