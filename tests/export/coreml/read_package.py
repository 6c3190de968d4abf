"""A process that writes the weights of a package's convolutions into a .npz: python -P -m ... PACKAGE FILE.npz"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from edgesr.export.coreml.in_coremltools import convolutions_in, without_what_is_not_needed


def main(package: Path, target: Path) -> None:
    without_what_is_not_needed()
    weights = {str(place): operation.weight.val for place, operation in enumerate(convolutions_in(package))}
    np.savez(target, **weights)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
