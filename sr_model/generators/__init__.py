"""Generators and their checkpoints."""
