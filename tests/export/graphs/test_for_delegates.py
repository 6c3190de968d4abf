"""Rewrites for the GPU delegate: the same values to the bit, and fewer operators that its list refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgesr.export.graphs.for_delegates.editing import Editor
from edgesr.export.graphs.for_delegates.rewriting import for_gpu
from edgesr.runtimes.delegates.gpu import GPU
from edgesr.runtimes.delegates.rules import Refusals, refusals
from edgesr.runtimes.delegates.tflite_file import graph_operators
from tests.export.graphs.tflite_graphs import add, graph_of, reshaped, run, transposed

SHAPE = (1, 8, 12, 4)


def windows() -> Editor:
    """Windows of 4x4 in six dimensions, a linear layer and a soft maximum in there, and back."""
    editor = graph_of(SHAPE)
    split = reshaped(editor, 0, (1, 2, 4, 3, 4, 4))
    parts = transposed(editor, split, (0, 1, 3, 2, 4, 5), version=6)
    weights = np.random.default_rng(0).normal(size=(4, 4))
    mixed = (1, 2, 3, 4, 4, 4)
    options = schema.FullyConnectedOptionsT(keepNumDims=True)
    linear = add(editor, "FULLY_CONNECTED", [parts, editor.constant(weights, "<f4"), -1], mixed, options, version=5)
    scaled = add(editor, "MUL", [linear, editor.constant([2.0], "<f4")], mixed, schema.MulOptionsT())
    soft = add(editor, "SOFTMAX", [scaled], mixed, schema.SoftmaxOptionsT(beta=1.0))
    summed = add(editor, "ADD", [soft, scaled], mixed, schema.AddOptionsT())
    back = transposed(editor, summed, (0, 1, 3, 2, 4, 5), version=6)
    whole = reshaped(editor, back, SHAPE)
    transposed(editor, whole, (0, 2, 1, 3), version=6)
    return editor


def shuffle() -> Editor:
    """A pixel shuffle in PyTorch's order of channels, in six dimensions."""
    editor = graph_of(SHAPE)
    split = reshaped(editor, 0, (1, 8, 12, 1, 2, 2))
    moved = transposed(editor, split, (0, 1, 4, 2, 5, 3), version=6)
    reshaped(editor, moved, (1, 16, 24, 1))
    return editor


def places(*where: int, wide: bool = True, scalar: bool = False) -> Callable[[], Editor]:
    """A GATHER of rows; ``wide``: at places in int64."""

    def made() -> Editor:
        editor = graph_of(SHAPE)
        index = editor.constant(where[0] if scalar else where)
        if wide:
            values = np.array(where, dtype="<i8")
            tensor = editor.graph.tensors[index]
            tensor.type = schema.TensorType.INT64
            editor.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), dtype=np.uint8)
        shape = (1, 12, 4) if scalar else (1, len(where), 12, 4)
        add(editor, "GATHER", [0, index], shape, schema.GatherOptionsT(axis=1))
        return editor

    return made


def border(*pads: tuple[int, int]) -> Callable[[], Editor]:
    """A pad that mirrors rows and columns with the border."""

    def made() -> Editor:
        editor = graph_of(SHAPE)
        shape = [side + before + after for side, (before, after) in zip(SHAPE, pads, strict=True)]
        options = schema.MirrorPadOptionsT(mode=schema.MirrorPadMode.SYMMETRIC)
        add(editor, "MIRROR_PAD", [0, editor.constant(pads)], shape, options)
        return editor

    return made


def clip() -> Editor:
    editor = graph_of(SHAPE)
    add(editor, "RELU_0_TO_1", [0], SHAPE)
    return editor


def column(place: int) -> Callable[[], Editor]:
    """One column without its side, from the front or counted from the end."""

    def made() -> Editor:
        editor = graph_of(SHAPE)
        ends = [editor.constant(values) for values in ((0, 0, place, 0), (0, 0, place + 1, 0), (1, 1, 1, 1))]
        options = schema.StridedSliceOptionsT(beginMask=0b1011, endMask=0b1011, shrinkAxisMask=0b0100)
        add(editor, "STRIDED_SLICE", [0, *ends], (1, 8, 4), options)
        return editor

    return made


def part(shape: tuple[int, ...], **options: int) -> Callable[[], Editor]:
    """One row, the third, by a slice with other options than converters write."""

    def made() -> Editor:
        editor = graph_of(SHAPE)
        ends = [editor.constant(values) for values in ((0, 2, 0, 0), (1, 3, 12, 4), (1, 1, 1, 1))]
        kept = schema.StridedSliceOptionsT(**{"shrinkAxisMask": 0b0010, **options})
        add(editor, "STRIDED_SLICE", [0, *ends], shape, kept)
        return editor

    return made


def in_six_dimensions(*kinds: str) -> Callable[[], Editor]:
    """Operators in a row on six dimensions, and back to an image unless the row ends with "open"."""

    def made() -> Editor:
        editor = graph_of(SHAPE)
        sides: tuple[int, ...] = (1, 2, 4, 3, 4, 4)
        last = reshaped(editor, 0, sides)
        for kind in kinds:
            if kind == "TRANSPOSE":
                last = transposed(editor, last, (0, 1, 3, 2, 4, 5), version=6)
                sides = editor.shape(last)
            elif kind == "SUM":
                sides = (sides[0], *sides[2:])
                last = add(editor, kind, [last, editor.constant([1])], sides, schema.ReducerOptionsT())
            elif kind == "SOFTMAX":
                last = add(editor, kind, [last], sides, schema.SoftmaxOptionsT(beta=2.0))
            elif kind == "MUL":
                row = editor.constant(np.arange(4), "<f4")
                last = add(editor, kind, [last, row], sides, schema.MulOptionsT())
            elif kind == "TANH":
                last = add(editor, kind, [last], sides)
        if kinds[-1:] != ("open",):
            reshaped(editor, last, (1, 4, 12, 4) if "SUM" in kinds else SHAPE)
        return editor

    return made


def refused(model: object) -> Refusals:
    return refusals(GPU, graph_operators(model))


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (windows, 9),
        (shuffle, 3),
        (places(0, 0, 3, 7), 1),
        (places(5, scalar=True), 1),
        (places(5, wide=False, scalar=True), 1),
        (border((0, 0), (1, 1), (1, 1), (0, 0)), 1),
        (border((0, 0), (0, 3), (2, 0), (0, 0)), 1),
        (clip, 1),
        (column(0), 1),
        (column(-1), 1),
        (column(-2), 1),
        (part((1, 12, 4), beginMask=0b0010), 1),
        (part((1, 12, 4), endMask=0b1111), 1),
    ],
)
def test_nothing_is_refused_any_more_and_no_value_changes(make: Callable[[], Editor], count: int) -> None:
    model = make().model
    rewritten = for_gpu(model)
    assert refused(model).count == count
    assert all(refusal.remedy.startswith("--delegate gpu: ") for refusal in refused(model).refused)
    assert refused(rewritten).refused == ()
    image = np.random.default_rng(1).uniform(-1, 2, SHAPE).astype(np.float32)
    for delegated in (False, True):
        before, after = (run(one, image, delegated=delegated) for one in (model, rewritten))
        assert before.shape == after.shape
        assert np.array_equal(before, after)


@pytest.mark.parametrize(
    "make",
    [
        windows,
        in_six_dimensions("SUM"),
        in_six_dimensions("MUL"),
        in_six_dimensions("SOFTMAX"),
        in_six_dimensions("TRANSPOSE", "SUM"),
        in_six_dimensions("TRANSPOSE", "open"),
        in_six_dimensions("SUM", "TANH"),
        border((0, 0), (0, 0), (0, 0), (0, 0)),
        part((1, 1, 12, 4), shrinkAxisMask=0, newAxisMask=0b0001),
        part((1, 12, 4), offset=True),
    ],
)
def test_what_is_told_is_what_the_rewrites_do(make: Callable[[], Editor]) -> None:
    model = make().model
    told = sum(one.count for one in refused(model).refused if not one.remedy)
    rewritten = for_gpu(model)
    assert refused(rewritten).count == told
    image = np.random.default_rng(1).uniform(-1, 2, SHAPE).astype(np.float32)
    before, after = (run(one, image, delegated=False) for one in (model, rewritten))
    assert np.array_equal(before, after)


def test_no_tensor_of_many_dimensions_is_left() -> None:
    operators = graph_operators(for_gpu(windows().model))
    assert max(tensor.rank for operator in operators for tensor in operator.tensors) == 4
    kinds = [operator.kind for operator in operators]
    assert kinds.count("TRANSPOSE") == 3
    assert {operator.version for operator in operators if operator.kind == "TRANSPOSE"} == {1}
    assert all(pair != ("RESHAPE", "RESHAPE") for pair in itertools.pairwise(kinds))


def test_a_padded_file_can_be_resized_as_before() -> None:
    model = border((0, 0), (1, 1), (1, 1), (0, 0))().model
    image = np.random.default_rng(1).uniform(0, 255, (1, 5, 9, 4)).astype(np.float32)
    after = run(for_gpu(model), image, delegated=True)
    assert np.array_equal(after, np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric"))


def test_a_file_that_is_taken_whole_stays_as_it_is() -> None:
    editor = graph_of(SHAPE)
    transposed(editor, 0, (0, 2, 1, 3))
    assert for_gpu(editor.model) is editor.model


def test_what_has_no_rewrite_stays_and_is_told() -> None:
    editor = graph_of(SHAPE)
    split = reshaped(editor, 0, (1, 2, 4, 3, 4, 4))
    axes = editor.constant([1])
    add(editor, "SUM", [split, axes], (1, 4, 3, 4, 4), schema.ReducerOptionsT())
    found = {(one.operator, one.remedy) for one in refused(for_gpu(editor.model)).refused}
    assert found == {("SUM", ""), ("RESHAPE", "")}
