"""Names of a generator's layers, as its graphs tell them: in the names of parameters. Imports nothing.

A graph may hold the generator below another module, so that "generator.body.blocks.0.conv1.weight" is the weight of the
layer "blocks.0.conv1" as "body.blocks.0.conv1.weight" is.
"""

from __future__ import annotations

_NETWORK, _WEIGHT = "body.", ".weight"


def layer_name(parameter: str) -> str | None:
    """The layer that a parameter is the weight of; None for what is no weight."""
    if not parameter.endswith(_WEIGHT):
        return None
    return parameter.removesuffix(_WEIGHT).split(_NETWORK, 1)[-1]
