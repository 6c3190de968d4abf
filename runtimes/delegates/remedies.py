from __future__ import annotations
from edgesr.runtimes.delegates.operators import Operator
def remedy_for(delegate: str, operator: Operator) -> str:
    return ""
