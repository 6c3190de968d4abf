"""Runtimes, one a file, and how their files are opened and profiled."""
