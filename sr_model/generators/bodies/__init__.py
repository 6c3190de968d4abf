"""Networks from an image to its residual, one kind a file."""
