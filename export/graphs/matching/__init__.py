"""Which tensors of one graph are those of another one with the same layers."""
