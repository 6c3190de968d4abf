"""Conversions: PyTorch, ONNX and TFLite files, one into the other, and what a delegate will take of them."""
