"""Files of MNN: the conversion from ONNX by its converter, in a process of its own, and its proof."""
