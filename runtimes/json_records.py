"""JSON <-> frozen dataclasses, strict: unknown or missing keys and wrong types are errors that name the place."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from edgesr.runtimes.wording import counted, first_names, shown_name, shown_value

T = TypeVar("T")


class DecodeError(ValueError):
    """The JSON does not fit the dataclass; the message names the field."""


def to_json(value: Any) -> str:
    """Indented JSON of a dataclass instance; nan and infinities are refused."""
    return json.dumps(dataclasses.asdict(value), indent=2, allow_nan=False) + "\n"


def to_json_line(value: Any) -> str:
    """The same on one line, which ends with a line feed."""
    return json.dumps(dataclasses.asdict(value), allow_nan=False) + "\n"


def decode(cls: type[T], data: object, where: str = "") -> T:
    """Build a dataclass from parsed JSON."""
    if not isinstance(data, dict):
        raise DecodeError(f"{where or 'top level'}: expected an object, found {type(data).__name__}")
    hints = _hints(cls)  # type: ignore[arg-type]
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(data.keys() - fields.keys())
    missing = sorted(n for n, f in fields.items() if n not in data and f.default is dataclasses.MISSING)
    if unknown or missing:
        listed = "; ".join(
            f"{kind} {first_names(names)}" for kind, names in (("unknown", unknown), ("missing", missing)) if names
        )
        raise DecodeError(f"{where or 'top level'}: {listed}")
    return cls(**{name: _value(hints[name], data[name], f"{where}.{name}".lstrip(".")) for name in data})


@functools.cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return get_type_hints(cls)


def _value(hint: Any, data: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, data, where)
    if origin in (Union, types.UnionType):
        return _optional(args, data, where)
    if origin is tuple:
        return _tuple(args, data, where)
    if origin in (dict, Mapping):
        return _mapping(args, data, where)
    if origin is Literal:
        if data not in args:
            raise DecodeError(f"{where}: {shown_value(data)} is not one of {', '.join(map(str, args))}")
        return data
    return _scalar(hint, data, where)


def _optional(args: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in args:
        return None
    (hint,) = [a for a in args if a is not type(None)]
    return _value(hint, data, where)


def _tuple(args: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise DecodeError(f"{where}: expected a list")
    hints = [args[0]] * len(data) if args[-1] is Ellipsis else list(args)
    if len(hints) != len(data):
        raise DecodeError(f"{where}: expected {counted(len(hints), 'value')}, found {len(data)}")
    return tuple(_value(h, v, f"{where}[{i}]") for i, (h, v) in enumerate(zip(hints, data, strict=True)))


def _mapping(args: tuple[Any, ...], data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DecodeError(f"{where}: expected an object")
    return {key: _value(args[1], value, f"{where}.{shown_name(key)}") for key, value in data.items()}


def _scalar(hint: Any, data: Any, where: str) -> Any:
    if hint is Any:
        return data
    if hint is float and type(data) in (int, float):
        if not abs(data) <= sys.float_info.max:
            raise DecodeError(f"{where}: {shown_value(data)} is not a finite number")
        return float(data)
    if type(data) is not hint:
        raise DecodeError(f"{where}: expected {hint.__name__}, found {type(data).__name__}")
    return data
