"""Fuzzing of everything that edgesr reads: mutated files are either read, or refused in one line."""
