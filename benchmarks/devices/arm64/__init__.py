"""Emulated arm64 CPUs: a guest that runs the real aarch64 runtimes on x86-64, and counts their instructions."""
