"""The machine on which something is measured."""
