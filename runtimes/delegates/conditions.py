"""Conditions of operator lists, one a function: each gives the reason of a refusal, or ""."""

from __future__ import annotations

from collections.abc import Callable

from edgesr.runtimes.delegates.operators import Operator

Condition = Callable[[Operator], str]
"""An operator -> why it is refused, "" where it is not."""

_SIGN_BIT = 5


def unlisted(operator: Operator) -> str:
    """The reason of an operator that a list does not have."""
    return f"no {operator.kind} in its list"


def version_up_to(most: int) -> Condition:
    def check(operator: Operator) -> str:
        return "" if operator.version <= most else f"version {operator.version}, its list has up to {most}"

    return check


def rank_up_to(most: int) -> Condition:
    """No tensor has more dimensions."""

    def check(operator: Operator) -> str:
        rank = max((tensor.rank for tensor in operator.tensors), default=0)
        return "" if rank <= most else f"{rank} dimensions, at most {most}"

    return check


def rank_from(least: int, most: int) -> Condition:
    """The first input has so many dimensions."""

    def check(operator: Operator) -> str:
        rank = operator.inputs[0].rank if operator.inputs else 0
        return "" if least <= rank <= most else f"{rank} dimensions, {least} to {most} alone"

    return check


def types(*allowed: str) -> Condition:
    """The first input has one of the types."""

    def check(operator: Operator) -> str:
        dtype = operator.inputs[0].dtype if operator.inputs else allowed[0]
        return "" if dtype in allowed else f"input of type {dtype}"

    return check


def computed_types(*allowed: str) -> Condition:
    """Require that the computed tensors, read or written, have one of the types."""

    def check(operator: Operator) -> str:
        found = (*operator.computed_inputs, *operator.outputs)
        others = sorted({tensor.dtype for tensor in found} - set(allowed))
        return f"computes in {', '.join(others)}" if others else ""

    return check


def computed_inputs(least: int, most: int) -> Condition:
    def check(operator: Operator) -> str:
        count = len(operator.computed_inputs)
        return "" if least <= count <= most else f"{count} computed inputs, {_numbers(least, most)} alone"

    return check


def two_operands(operator: Operator) -> str:
    """Two inputs, at least one of them computed."""
    given = len(operator.inputs) == 2 and bool(operator.computed_inputs)
    return "" if given else "needs two operands, one of them computed"


def constant_input(place: int, what: str) -> Condition:
    """An input that must be a constant of int32."""

    def check(operator: Operator) -> str:
        if place >= len(operator.inputs):
            return f"no {what}"
        tensor = operator.inputs[place]
        return "" if tensor.constant and tensor.dtype == "int32" else f"{what} that are no int32 constant"

    return check


def known_sides(operator: Operator) -> str:
    return "dynamic shape" if any(None in tensor.shape for tensor in operator.tensors) else ""


def option_is(name: str, value: int | float, why: str) -> Condition:
    """An option has its one allowed value, or is absent."""

    def check(operator: Operator) -> str:
        return "" if operator.options.get(name, value) == value else why

    return check


def no_sign_bit(operator: Operator) -> str:
    fused = operator.options.get("fusedActivationFunction", 0)
    return "fused activation SIGN_BIT" if fused == _SIGN_BIT else ""


def _numbers(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"
