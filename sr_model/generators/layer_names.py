"""Names of a generator's layers, as its graphs tell them: in the names of parameters. Imports nothing.

A graph may hold the generator below another module, so that "generator.body.blocks.0.conv1.weight" is the weight of the
layer "blocks.0.conv1" as "body.blocks.0.conv1.weight" is. A user's network lies below "picture.network.": its layers
have the names that they have in it.
"""

from __future__ import annotations

_NETWORK, _USERS_NETWORK = "body.", "picture.network."
_WEIGHT, _BIAS = ".weight", ".bias"


def layer_name(parameter: str) -> str | None:
    """The layer that a parameter is the weight of; None for what is no weight."""
    if not parameter.endswith(_WEIGHT):
        return None
    network = _USERS_NETWORK if _USERS_NETWORK in parameter else _NETWORK
    return parameter.removesuffix(_WEIGHT).split(network, 1)[-1]


def layer_of_bias(parameter: str) -> str | None:
    """The layer that a parameter is the bias of; None for what is no bias."""
    return layer_name(parameter.removesuffix(_BIAS) + _WEIGHT) if parameter.endswith(_BIAS) else None
