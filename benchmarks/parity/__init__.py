"""Fidelity: whether an artifact computes what float32 PyTorch computes."""
