"""The output of `edgesr inspect` for checkpoints and bundles, with and without a projection."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgesr.export.inspection.contents import inspect
from edgesr.runtimes.bundle.opening import Bundle
from edgesr.sr_model.generators.checkpoint import embedded_checkpoint
from tests.helpers.published_reference import seeded_published_generator
from tests.helpers.small_generator import save_projected_generator


def facts(path: Path) -> dict[str, str]:
    """Rows of the first table."""
    return {row[0]: row[1] for row in inspect(path)[0].rows}


def test_checkpoint_tells_of_its_projection(tmp_path: Path) -> None:
    mobile = facts(embedded_checkpoint("srrescycgan-mobile"))
    assert (mobile["projection"], mobile["parameters"], mobile["halo"]) == ("none", "127,280", "15 LR pixels")
    assert facts(save_projected_generator(tmp_path))["projection"] == "by noise level, learned alpha"
    torch.save(seeded_published_generator().published_state(), tmp_path / "published.pth")
    assert facts(tmp_path / "published.pth")["projection"] == "by noise level, learned alpha"


@pytest.mark.parametrize(
    ("name", "glue", "numbers"),
    [
        ("mobile_bundle", "bilinear, no projection", ("-", "-")),
        ("projection_bundle", "bilinear, noise level db7-mad, alpha 8.5", ("0", "0")),
    ],
)
def test_bundle_tells_of_its_glue(
    name: str, glue: str, numbers: tuple[str, str], request: pytest.FixtureRequest
) -> None:
    bundle: Bundle = request.getfixturevalue(name)
    tables = inspect(bundle.root)
    assert facts(bundle.root)["glue"] == glue
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    titles = [table.title.split(":")[0].split(",")[0] for table in tables]
    assert titles == ["Bundle", "Artifacts", "Delegate", "Operators that delegates would refuse", "Goldens"]
    flat = next(row for row in tables[4].rows if row[0] == "flat")
    assert flat[2:4] == numbers
