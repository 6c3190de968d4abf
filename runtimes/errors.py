"""The errors that edgesr raises for faults of the input, the bundle or the installation."""

from __future__ import annotations


class EdgesrError(Exception):
    """Base of all expected failures. The command line prints it in one line and exits with code 2."""


class InputError(EdgesrError):
    """An input (file, option, bundle, checkpoint) cannot be used; the message names it, why, and what to do."""


class MissingPackageError(EdgesrError):
    """A runtime or converter is not installed; the message gives the install command."""


class OtherSystemError(EdgesrError):
    """A runtime does not run on this system; the message names those where it does."""


class MissingImagePackageError(MissingPackageError):
    """A package is not installed that only some image files need: others can be read and written without it."""
