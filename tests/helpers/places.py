"""The place of the checkout, and of the files in it for tests."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
SHARED = ROOT.parent / "shared"
"""Test images and published weights beside the checkout; may be missing."""
RELEASE = ROOT / "tests" / "data" / "0.1.0"
"""Files that edgesr 0.1.0 wrote."""
RELEASED_BUNDLE = RELEASE / "bundle"
FUZZ_CORPUS = ROOT / "tests" / "data" / "fuzz"
"""Inputs that were faults once, in a folder for each target of the fuzzer."""
PHOTOGRAPHS = ROOT / "export" / "photographs"
