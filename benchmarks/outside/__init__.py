"""Goldens for a vendor's own runner, as raw tensors, and what it made of them."""
