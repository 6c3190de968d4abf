"""Image files: decoding and encoding as people have them."""
