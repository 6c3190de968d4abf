"""Rewrites of TFLite files into operators that delegates take, with the same values."""
