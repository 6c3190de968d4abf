"""The table of bodies: the network of each kind that a config can ask for."""

from __future__ import annotations

from edgesr.sr_model.generators.bodies.hr_body import HRBody
from edgesr.sr_model.generators.bodies.lr_body import LRBody
from edgesr.sr_model.generators.bodies.plain_body import PlainBody
from edgesr.sr_model.generators.config import BodyKind

Body = HRBody | LRBody | PlainBody

BODIES: dict[BodyKind, type[Body]] = {"hr": HRBody, "lr": LRBody, "plain": PlainBody}
