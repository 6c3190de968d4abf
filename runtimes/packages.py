"""Packages of others: their versions, found without importing them, and what is absent."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from edgesr.runtimes.errors import MissingPackageError


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, None when absent; nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def require_packages(purpose: str, distributions: Iterable[str], *, extra: str) -> None:
    """Raise a MissingPackageError that lists which of these distributions are absent, with the install command."""
    missing = [name for name in distributions if installed_version(name) is None]
    if missing:
        raise MissingPackageError(
            f"{purpose} needs packages that are not installed ({', '.join(missing)}): pip install 'edgesr[{extra}]'"
        )
