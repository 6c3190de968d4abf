"""Targets of an export, one a file, and the table of them."""
