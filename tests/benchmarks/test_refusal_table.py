"""Rows of what delegates would refuse."""

from __future__ import annotations

from edgesr.benchmarks.tables.refusals import refusal_table
from edgesr.runtimes.delegates.rules import Refusal, Refusals

CLIP = Refusal(operator="RELU_0_TO_1", count=2, why="not listed", remedy="--delegate gpu: RELU and MINIMUM")
SORT = Refusal(operator="TOPK_V2", count=1, why="not listed", remedy="")


def of(delegate: str, *refused: Refusal) -> Refusals:
    return Refusals(delegate=delegate, operators=9, refused=refused)


def test_names_stand_in_their_first_rows_and_delegates_that_take_all_share_one() -> None:
    table = refusal_table([("a", (of("gpu", CLIP, SORT), of("nnapi"), of("qnn"))), ("b", (of("gpu"), of("qnn", SORT)))])
    assert table.columns == ("artifact", "delegate", "refuses", "why", "rewrite")
    assert table.rows == (
        ("a", "gpu", "RELU_0_TO_1 2", "not listed", "--delegate gpu: RELU and MINIMUM"),
        ("", "", "TOPK_V2 1", "not listed", "-"),
        ("", "nnapi, qnn", "none of 9", "-", "-"),
        ("b", "qnn", "TOPK_V2 1", "not listed", "-"),
        ("", "gpu", "none of 9", "-", "-"),
    )
