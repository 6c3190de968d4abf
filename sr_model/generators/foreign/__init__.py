"""Generators of users: built by their own code in a process of its own, kept as an exported program."""
