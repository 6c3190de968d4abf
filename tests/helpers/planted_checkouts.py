"""A copy of the package to plant changes in, and what the cache keys of its export steps then depend on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers.places import ROOT

CLOSURES = """
import json, pkgutil
from importlib import resources
from edgesr.runtimes.import_closure import import_closure
names = [info.name for info in pkgutil.iter_modules([str(resources.files("edgesr.export.steps"))])]
closures = {name: import_closure(f"edgesr.export.steps.{name}") for name in names}
print(json.dumps({name: [one.sources, one.versions()] for name, one in closures.items()}))
"""
"""Prints, for every step of an export, the sources and versions that its key holds."""

Closures = dict[str, tuple[dict[str, str], dict[str, str]]]


def copy_packages(target: Path) -> Path:
    """The package below a folder, files in place of links, without what tests or Python left in it."""
    shutil.copytree(ROOT / "edgesr", target / "edgesr", ignore=shutil.ignore_patterns("__pycache__"))
    return target


def closures_of(python: Path | str, folder: Path | None = None) -> Closures:
    """The closures of the packages in a folder, or of those that are installed for ``python``."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if folder is not None:
        environment["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        [str(python), "-P", "-c", CLOSURES], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: (sources, versions) for name, (sources, versions) in json.loads(done.stdout).items()}


def changed_steps(folder: Path, before: Closures) -> set[str]:
    """The steps whose key is another one now."""
    after = closures_of(sys.executable, folder)
    assert after.keys() == before.keys()
    return {name for name in after if after[name] != before[name]}
