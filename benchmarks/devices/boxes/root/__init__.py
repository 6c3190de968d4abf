"""What is sent to a box that has nothing: C library, Python, runtimes, in layers."""
