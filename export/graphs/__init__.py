"""Reading and rewriting ONNX and TFLite graphs."""
