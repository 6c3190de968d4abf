"""The root that edgesr sends to a box that has nothing: C library, Python and runtimes, in layers."""
