"""Debian packages and Python wheels that roots of devices are made of."""
