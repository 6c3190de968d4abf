"""Pairs of tensors of two graphs with the same layers."""
