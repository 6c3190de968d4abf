"""Fidelity: whether an artifact computes what its reference computes, float32 PyTorch or an existing ONNX file."""
