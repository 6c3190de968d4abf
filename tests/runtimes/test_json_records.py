"""Strict JSON <-> dataclasses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from edgesr.runtimes.json_records import DecodeError, decode, to_json


@dataclass(frozen=True)
class Inner:
    size: tuple[int, int]
    note: str | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    ratio: float
    kind: Literal["full", "tile"]
    inner: Inner
    items: tuple[Inner, ...]
    counts: dict[str, int]
    extra: dict[str, Any]
    flag: bool


VALUE = Outer(
    name="größe",
    ratio=0.1,
    kind="tile",
    inner=Inner((3, 4)),
    items=(Inner((1, 2), "first"), Inner((5, 6))),
    counts={"a": 1},
    extra={"list": [1, "x", None], "nested": {"deep": 2.5}},
    flag=True,
)


def _data(**changes: object) -> dict[str, object]:
    data: dict[str, object] = json.loads(to_json(VALUE))
    return data | changes


def test_round_trip() -> None:
    text = to_json(VALUE)
    assert decode(Outer, json.loads(text)) == VALUE
    assert text.endswith("}\n")


def test_whole_number_becomes_float_where_a_float_is_meant() -> None:
    decoded = decode(Outer, _data(ratio=2))
    assert decoded.ratio == 2.0
    assert type(decoded.ratio) is float


def test_field_with_a_default_may_be_absent() -> None:
    assert decode(Inner, {"size": [1, 2]}) == Inner((1, 2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name: expected str, found int"),
        ({"name": None}, "name: expected str, found NoneType"),
        ({"ratio": "0.1"}, "ratio: expected float, found str"),
        ({"ratio": True}, "ratio: expected float, found bool"),
        ({"flag": 1}, "flag: expected bool, found int"),
        ({"kind": "half"}, "kind: 'half' is not one of full, tile"),
        ({"kind": ["full"]}, "kind: "),
        ({"inner": [3, 4]}, "inner: expected an object, found list"),
        ({"inner": {"size": [3]}}, "inner.size: expected 2 values, found 1"),
        ({"inner": {"size": [3, 4, 5]}}, "inner.size: expected 2 values, found 3"),
        ({"inner": {"size": [3, 4.0]}}, r"inner.size\[1\]: expected int, found float"),
        ({"inner": {"size": [3, True]}}, r"inner.size\[1\]: expected int, found bool"),
        ({"inner": {"size": [3, 4], "note": 1}}, "inner.note: expected str, found int"),
        ({"inner": {}}, "inner: missing size"),
        ({"items": {"size": [3, 4]}}, "items: expected a list"),
        ({"items": [{"size": [3, 4]}, {"sise": [3, 4]}]}, r"items\[1\]: unknown sise; missing size"),
        ({"counts": [1]}, "counts: expected an object"),
        ({"counts": {"a": "1"}}, "counts.a: expected int, found str"),
        ({"surplus": 1}, "top level: unknown surplus"),
    ],
)
def test_error_names_the_place(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DecodeError, match=f"^{message}"):
        decode(Outer, _data(**changes))


@pytest.mark.parametrize("key", ["name", "ratio", "kind", "inner", "items", "counts", "extra", "flag"])
def test_missing_key_is_named(key: str) -> None:
    data = _data()
    del data[key]
    with pytest.raises(DecodeError, match=f"^top level: missing {key}$"):
        decode(Outer, data)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_top_level_must_be_an_object(data: object) -> None:
    with pytest.raises(DecodeError, match="top level: expected an object"):
        decode(Outer, data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_json_has_no_nan_or_infinity(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(Outer("n", value, "full", Inner((1, 2)), (), {}, {}, False))


@dataclass(frozen=True)
class Series:
    values: tuple[float, ...]


@dataclass(frozen=True)
class Record:
    inner: Series
    names: dict[str, Series]
    pair: tuple[int, int] | None
    flag: bool = False


def test_decoding_is_strict() -> None:
    value = Record(Series((1.0, 2.5)), {"a": Series(())}, None, True)
    data = json.loads(to_json(value))
    assert decode(Record, data) == value
    assert decode(Record, {**data, "pair": [1, 2]}).pair == (1, 2)
    assert decode(Series, {"values": [1]}) == Series((1.0,))
    bad: list[tuple[dict[str, Any], str]] = [
        ({**data, "pair": [1, 2.0]}, r"pair\[1\]: expected int"),
        ({**data, "pair": [1, True]}, r"pair\[1\]: expected int"),
        ({**data, "flag": 1}, "flag: expected bool"),
        ({**data, "names": {"a": {"values": "x"}}}, "names.a.values: expected a list"),
        ({**data, "inner": []}, "inner: expected an object"),
    ]
    for wrong, message in bad:
        with pytest.raises(DecodeError, match=message):
            decode(Record, wrong)
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(Series((float("nan"),)))
