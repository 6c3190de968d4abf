"""Targets of an export and the conversions to them."""
