"""Sub-commands that measure a bundle, and compare what was measured."""
