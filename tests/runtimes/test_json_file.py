"""JSON that strangers hand over: refused in one line, whatever is wrong with it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from edgesr.runtimes import json_file
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.json_file import JsonError, parse_json, read_json, require_version
from edgesr.runtimes.json_records import DecodeError, decode


@dataclass(frozen=True)
class _Number:
    value: float


@dataclass(frozen=True)
class _Choice:
    value: Literal["a", "b"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[1,]", "is not JSON"),
        (b"\xff\xfe\x00", "is not UTF-8: invalid start byte"),
        (r'["\ud800"]', "is not UTF-8: 'utf-8' codec can't encode character"),
        ('["' + r"\"" * 200_000, "is not JSON"),
        ("[NaN]", "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ("[1e999]", "1e999, which is too large"),
        ("[-1E400]", "-1E400, which is too large"),
        (f"[{10**400}]", "a whole number of 401 digits"),
        ("[-1" + "0" * 5000 + "]", "a whole number of 5002 digits"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "holds c twice in one object"),
        ("[" * 100_000, "nested more than 64 levels"),
        ('{"a":' * 70 + "1" + "}" * 70, "nested more than 64 levels"),
    ],
)
def test_what_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(JsonError) as refusal:
        parse_json(text)
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_what_is_read() -> None:
    assert parse_json("[" * 64 + "]" * 64)
    assert parse_json(r'{"[[[[\"{": [1, -2.5e-300, true, null, "]]"]}') == {'[[[["{': [1, -2.5e-300, True, None, "]]"]}
    assert parse_json(f"[{10**300}]") == [10**300]
    assert parse_json(r'["\ud83d\ude00"]') == ["\U0001f600"]
    assert parse_json(("[" * 50 + "]" * 50 + ",").join(["[", "1]"])) == [parse_json("[" * 50 + "]" * 50), 1]


def test_a_file_is_named_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.json"
    with pytest.raises(InputError, match=r"x\.json: no such file; make it anew"):
        read_json(file, remake="make it anew")
    for content, why in ((b"[]", "holds no JSON object but a list"), (b"{", "is not JSON"), (b"null", "a NoneType")):
        file.write_bytes(content)
        with pytest.raises(InputError, match=rf"x\.json: .*{why}.*; make it anew"):
            read_json(file, remake="make it anew")
    with pytest.raises(InputError, match="is a directory, not a file; make it anew"):
        read_json(tmp_path, remake="make it anew")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: is a pipe or a device, not a regular file; make it anew"):
        read_json(tmp_path / "pipe", remake="make it anew")
    monkeypatch.setattr(json_file, "MAX_BYTES", 3)
    with pytest.raises(InputError, match="has 4 bytes, more than 3; make it anew"):
        read_json(file, remake="make it anew")


def test_versions() -> None:
    path = Path("x.json")
    assert require_version(path, {"schema_version": 6}, oldest=6, newest=7, remake="again") == 6
    for version, why in ((8, "update edgesr"), (5, "again"), (True, "again"), ("6", "again"), (None, "again")):
        with pytest.raises(InputError, match=why):
            require_version(path, {"schema_version": version}, oldest=6, newest=7, remake="again")


def test_values_are_short_in_messages() -> None:
    long = "x" * 10_000
    for value in ([long] * 1000, long, {long: long}, 10**300):
        with pytest.raises(DecodeError, match="is not one of a, b") as refusal:
            decode(_Choice, {"value": value})
        assert len(str(refusal.value)) < 200
    with pytest.raises(DecodeError, match="and 97 more; missing value") as refusal:
        decode(_Choice, {f"{number:0200}": 1 for number in range(100)})
    assert len(str(refusal.value)) < 400
    with pytest.raises(InputError, match="schema version 'xxx") as unknown:
        require_version(Path("x"), {"schema_version": long}, oldest=1, newest=2, remake="again")
    assert len(str(unknown.value)) < 200


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_decoded_number_is_finite(value: float) -> None:
    with pytest.raises(DecodeError, match=r"value: .* is not a finite number"):
        decode(_Number, {"value": value})
