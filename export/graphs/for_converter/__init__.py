"""Rewrites of ONNX graphs of fixed sizes into operators that onnx2tf converts as they are."""
